from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.declare.files_source import FilesSource, is_legal_name, parse_bytes, parse_hints
from pipeline.foundation.errors import AuthorError
from pipeline.records.columns import Column
from pipeline.records.formats import FORMATS


def test_options_become_a_source_with_numbers_and_durations() -> None:
    source = FilesSource.declared(
        path="orders",
        format="csv",
        schema_hints="id STRING",
        max_bytes_per_trigger="2m",
        max_record_bytes="4k",
        clean_source="archive",
        clean_source_retention="7d",
    )
    assert (source.path, source.format, source.hints) == ("orders", "csv", (Column("id", "string"),))
    assert (source.max_bytes_per_trigger, source.clean_source_retention) == (2 * 1024**2, timedelta(days=7))
    assert source.max_record_bytes == 4 * 1024


def test_longest_record_has_16_megabytes_unless_a_source_of_any_format_says_otherwise() -> None:
    assert declared().max_record_bytes == 16 * 1024**2
    for form in FORMATS:
        options = {"row_tag": "r"} if form == "xml" else {}
        assert declared(format=form, max_record_bytes="1m", **options).max_record_bytes == 1024**2


def declared(**options: Any) -> FilesSource:
    return FilesSource.declared(**{"path": "orders", "format": "json", "schema_hints": "", **options})


@pytest.mark.parametrize("given", ["date, site", ["date", "site"], ("date", "site"), "date,site,"])
def test_partition_columns_are_text_unless_they_are_hinted(given: Any) -> None:
    source = declared(schema_hints="id STRING, site DOUBLE", partition_columns=given)
    assert source.partition_columns == ("date", "site")
    assert source.hints == (Column("id", "string"), Column("site", "double"), Column("date", "string"))
    assert source.reads_folders


def test_source_reads_only_its_own_folder_unless_it_is_asked_to_read_others() -> None:
    assert not declared().reads_folders
    assert declared(recursive_file_lookup=True).reads_folders


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"path_glob_filter": "a/*.json"}, "`path_glob_filter` is about names, not folders; got `a/\\*.json`"),
        ({"path_glob_filter": "{a,b"}, "`path_glob_filter` is `{a,b`: a brace is not closed"),
        ({"path_glob_filter": None}, "`path_glob_filter` must be a text; got None"),
        ({"recursive_file_lookup": "true"}, "`recursive_file_lookup` must be True or False; got 'true'"),
        ({"include_existing_files": 0}, "`include_existing_files` must be True or False; got 0"),
        ({"max_record_bytes": "1023"}, "`max_record_bytes` must be a whole number above 1023; got 1023"),
        ({"max_record_bytes": "much"}, "`much` is not a size"),
        ({"allow_overwrites": "no"}, "`allow_overwrites` must be True or False; got 'no'"),
        ({"partition_columns": 7}, "partition_columns: expected names; got 7"),
        ({"partition_columns": ["date", 7]}, r"partition_columns: expected names; got \['date', 7\]"),
        ({"partition_columns": "date=2026"}, "partition_columns: `date=2026` cannot be a column"),
        ({"partition_columns": "source_file"}, "partition_columns: `source_file` cannot be a column"),
        ({"partition_columns": ["date", "Date"]}, "partition_columns: `Date` cannot be a column"),
        ({"partition_columns": "date", "schema_hints": "Date STRING"}, "name `Date`, partition_columns `date`"),
    ],
)
def test_option_of_another_form_is_refused_by_name(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(AuthorError, match=problem):
        declared(**options)


def test_hints_keep_their_order_and_may_be_quoted() -> None:
    hints = parse_hints(" `id` STRING,\n amount double , paid Boolean,", "orders")
    assert hints == (Column("id", "string"), Column("amount", "double"), Column("paid", "boolean"))


@pytest.mark.parametrize(("text", "size"), [("7", 7), ("1k", 1024), ("512 MB", 512 * 1024**2), ("1g", 1024**3)])
def test_size_is_a_number_of_bytes_with_an_optional_unit(text: str, size: int) -> None:
    assert parse_bytes(text, "orders") == size


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5g", "1t"])
def test_size_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AuthorError, match=r"is not a size\. Write a number with k, m or g, such as 512m"):
        parse_bytes(text, "orders")


@pytest.mark.parametrize(
    ("name", "is_legal"),
    [
        ("amount", True), ("_x1", True), ("1a", True), ("straße", True), ("温度", True), ("a.b", True), ("temp-c", True),
        ("@id", True), ("a'b\"c", True), ("%", True), ("\U0001f525", True), ("a" * 255, True), ("a" * 256, False), ("", False),
        ("a b", False), ("a,b", False), ("a(b)", False), ("a=b", False), ("a;b", False), ("a{b}", False), ("a`b", False),
        ("a\tb", False), ("a\nb", False), ("a\x00b", False), ("\ud800", False), ("Record_ID", False),
    ],
)  # fmt: skip
def test_key_is_a_column_name_if_delta_and_deltalake_store_it(name: str, is_legal: bool) -> None:
    assert is_legal_name(name) is is_legal
