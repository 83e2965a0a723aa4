"""Auto Loader's options under Databricks' names, with Databricks' defaults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.databricks.cloud_files import cloud_files
from pipeline.foundation.errors import AuthorError
from pipeline.records.columns import Column

FOLDER = Path("/data/raw")


def test_options_that_are_not_given_have_databricks_defaults() -> None:
    read = cloud_files(FOLDER, {"format": "csv"}, None)
    assert (read.source.path, read.source.format, read.source.header) == ("/data/raw", "csv", True)
    assert (read.source.infer_column_types, read.source.schema_evolution_mode) == ("none", "addNewColumns")
    assert (read.source.path_glob_filter, read.source.recursive_file_lookup) == ("*", True)
    assert read.source.max_files_per_trigger == 1000
    assert (read.rescued, read.corrupt, read.without_effect) == ("_rescued_data", "", ())


def test_options_are_read_in_any_case_with_and_without_their_prefix() -> None:
    options = {
        "format": "csv",
        "cloudFiles.inferColumnTypes": "true",
        "cloudFiles.schemaHints": "id BIGINT, at TIMESTAMP",
        "cloudFiles.maxFilesPerTrigger": "7",
        "cloudFiles.schemaLocation": "/somewhere",
        "cloudfiles.SchemaEvolutionMode": "rescue",
        "HEADER": "True",
        "sep": ";",
        "rescuedDataColumn": "left_over",
    }
    read = cloud_files(FOLDER, options, None)
    assert read.source.hints == (Column("id", "bigint"), Column("at", "timestamp"))
    assert (read.source.infer_column_types, read.source.schema_evolution_mode) == ("all", "rescue")
    assert (read.source.max_files_per_trigger, read.source.header, read.source.delimiter) == (7, True, ";")
    assert (read.rescued, read.without_effect) == ("left_over", ("schemalocation",))


@pytest.mark.parametrize("text", ["7 days", "INTERVAL 7 DAYS", "7d", "168 hours"])
def test_source_that_is_cleaned_by_deletion_keeps_files_for_their_retention(text: str) -> None:
    options = {"cloudFiles.cleanSource": "DELETE", "cloudFiles.cleanSource.retentionDuration": text}
    source = cloud_files(FOLDER, {"format": "csv", **options}, None).source
    assert (source.clean_source, source.clean_source_retention) == ("delete", timedelta(days=7))


def test_source_that_would_move_its_files_is_refused() -> None:
    with pytest.raises(AuthorError, match=r"`cloudFiles\.cleanSource` is `MOVE`, which would move the files"):
        cloud_files(FOLDER, {"cloudFiles.cleanSource": "MOVE"}, None)


@pytest.mark.parametrize(
    ("given", "schema", "expected"),
    [({}, None, True), ({}, "id INT", False), ({"header": "false"}, None, False), ({"header": "true"}, "id INT", True)],
)
@pytest.mark.spark
@pytest.mark.usefixtures("spark")
def test_first_line_of_csv_has_the_names_where_columns_are_inferred(
    given: dict[str, str], schema: str | None, *, expected: bool
) -> None:
    assert cloud_files(FOLDER, {"format": "csv", **given}, schema).source.header is expected


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
def test_given_schema_takes_no_new_columns_and_rescues_nothing() -> None:
    read = cloud_files(FOLDER, {"format": "json"}, "id INT, `a-b` STRUCT<x: STRING>, _corrupt_record STRING")
    assert read.source.hints == (Column("id", "int"), Column("a-b", "struct<x:string>"))
    assert (read.source.schema_evolution_mode, read.rescued, read.corrupt) == ("none", "", "_corrupt_record")


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
def test_given_schema_with_a_column_for_rescued_data_rescues() -> None:
    read = cloud_files(FOLDER, {"format": "json", "rescuedDataColumn": "rest"}, "id INT")
    assert (read.source.schema_evolution_mode, read.rescued) == ("rescue", "rest")


def test_columnar_formats_keep_the_types_of_their_files() -> None:
    assert cloud_files(FOLDER, {"format": "parquet"}, None).source.infer_column_types == "all"
    assert cloud_files(FOLDER, {"format": "BINARYFILE"}, None).source.format == "binaryFile"


@pytest.mark.parametrize(
    ("option", "value"),
    [("quote", "'"), ("mode", "FAILFAST"), ("cloudFiles.allowOverwrites", "true"), ("nonsense", "1")],
)
def test_option_that_cannot_be_honoured_is_refused_by_name(option: str, value: str) -> None:
    with pytest.raises(AuthorError, match="cannot be honoured here"):
        cloud_files(FOLDER, {"format": "csv", option: value}, None)


def test_option_with_its_usual_value_is_taken() -> None:
    assert cloud_files(FOLDER, {"format": "csv", "mode": "PERMISSIVE", "quote": '"'}, None).source.format == "csv"
