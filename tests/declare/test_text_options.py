"""Which options a format takes, and with which values."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import read_files
from pipeline.declare.files_source import FilesSource
from pipeline.foundation.errors import AuthorError


def call(**options: Any) -> None:
    read_files("orders", **options)


LINE_OF_CALL = call.__code__.co_firstlineno + 1


def declared(**options: Any) -> FilesSource:
    return FilesSource.declared(path="orders", **{"schema_hints": "", **options})


def test_text_options_are_those_of_the_source_that_is_read() -> None:
    source = declared(format="csv", encoding="latin1", delimiter="||", header=False, skip_rows=2)
    assert (source.encoding, source.delimiter, source.header, source.skip_rows) == ("latin1", "||", False, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": "utf-9"}, "`encoding` must be an encoding that Python knows"),
        ({"encoding": "hex"}, "`encoding` must be an encoding that Python knows"),
        ({"encoding": "idna"}, "`encoding` must be an encoding that Python knows"),
        ({"encoding": 8}, "`encoding` must be an encoding that Python knows"),
        ({"format": "csv", "delimiter": ""}, "`delimiter` must be one or more characters"),
        ({"format": "csv", "delimiter": '"'}, "`delimiter` must be one or more characters"),
        ({"format": "csv", "delimiter": "|\n"}, "`delimiter` must be one or more characters"),
        ({"format": "csv", "delimiter": 1}, "`delimiter` must be one or more characters"),
        ({"format": "csv", "decimal": ";"}, "`decimal` must be `.` or `,`"),
        ({"decimal": ","}, "the format json have no `decimal`"),
        ({"format": "csv", "header": "no"}, "`header` must be True or False"),
        ({"format": "csv", "header": 0}, "`header` must be True or False"),
        ({"format": "csv", "skip_rows": -1}, "`skip_rows` must be a whole number from 0 on"),
        ({"format": "csv", "skip_rows": True}, "`skip_rows` must be a whole number from 0 on"),
        ({"delimiter": ";"}, "the format json have no `delimiter`; expected encoding. Leave that option out"),
        ({"format": "text", "header": False}, "the format text have no `header`; expected encoding."),
        ({"format": "text", "schema_hints": "a STRING"}, "Leave `schema_hints` out; the columns are: `value`."),
        ({"format": "binaryFile", "schema_hints": "a STRING"}, "the columns are: `path`, `modificationTime`, `length`"),
        ({"format": "parquet", "encoding": "cp1252"}, "the format parquet have no `encoding`; expected none of this"),
        ({"format": "xml"}, "files of the format xml need `row_tag`"),
        ({"format": "xml", "row_tag": "<r>"}, "`row_tag` must be the name of an element without its brackets"),
        ({"row_tag": "r"}, "the format json have no `row_tag`; expected encoding."),
        (
            {"format": "csv", "header": False, "schema_hints": "id STRING, _c1 DOUBLE"},
            "some hints name columns by number and some in order",
        ),
    ],
)
def test_text_option_that_does_not_fit_is_refused_at_the_line_of_the_call(options: dict[str, Any], said: str) -> None:
    with pytest.raises(AuthorError) as raised:
        call(**options)
    assert said in str(raised.value)
    assert str(raised.value).startswith(f'{__file__}:{LINE_OF_CALL}: read_files("orders"): ')
    assert raised.value.problem.startswith(f"{__file__}:{LINE_OF_CALL}: ")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"schema_hints": "id STRING, amount DOUBLE"}, ()),
        ({"header": False, "schema_hints": "id STRING, amount DOUBLE"}, ("id", "amount")),
        ({"header": False, "schema_hints": "_c1 DOUBLE"}, ()),
    ],
)
def test_hints_name_the_columns_of_files_without_a_header_in_their_order(
    options: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert declared(format="csv", **options).names == names
