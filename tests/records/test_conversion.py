"""What Arrow reads into columns of any type is what record by record gives; all else is left."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.records.columns import Column
from pipeline.records.fitting import MISFIT, fitting_of
from pipeline.records.json_exact import scan_records
from pipeline.records.json_typed import read_typed_lines

_NUMBERS = [
    "0", "-0", "5", "-128", "128", "32768", "2147483648", "16777217", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "5.0", "1e2", "1E400", "1.5", "1.10", "1.234", "999.99", "1000", "0.1",
    "3.14159265358979", "1e39", "1e-46", "123456790", "1" * 38, "1" * 39, "1" * 60 + ".5", "1e70", "1e-70", "1E+300", "421249166674228746791672110734681729275580381602196445017243910144",
    "52.520006600000001234567", "NaN", "-Infinity",
]  # fmt: skip
_TEXTS = [
    "", " ", "5", " 5", "+5", "1.5", "1e1", "x", "NaN", "true", "é", "\\ud800", "\\u00e9", "AAEC", "AAE", "AA==", "AA=", "A AEC",
    "2026-11-30", "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "20261130", " 2026-11-30", "2026-11-3",
    "2026-11-30T10", "2026-11-30T10:00", "2026-11-30 10:00:00", "2026-11-30T10:00:00Z", "2026-11-30t10:00:00z",
    "2026-11-30T10:00:00.5", "2026-11-30T10:00:00.123456Z", "2026-11-30T10:00:00.1234567Z", "2026-11-30T10:00:00.1234560Z",
    "2026-11-30T10:00:00+01", "2026-11-30T10:00:00-0130", "2026-11-30T10:00:00+05:30", "2026-11-30T10:00:00 +01:00",
    "2026-11-30T24:00:00", "2026-11-30T10:60:00", "2026-11-30T10:00:60", "2026-11-30T10:00:00+24:00", "2026-11-30T10:00:00CET",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.999999-01:00", "0000-06-01T00:00:00Z", "2026-11-30T", "2026-11-30Z",
    "2026-11-30T10:00:00,5", "2026-11-30T10:00:00.", "2026-334", "-2026-11-30T10:00:00",
]  # fmt: skip
_SCALARS = ["null", "true", *_NUMBERS, *(f'"{text}"' for text in _TEXTS)]
_TYPES = [
    "string", "double", "boolean", "bigint", "int", "smallint", "tinyint", "float", "decimal(5,2)", "decimal(38,21)", "date",
    "timestamp", "timestamp_ntz", "binary",
]  # fmt: skip
_NESTED = ["{}", "[]", "[null]", '{"a":null}', '{"a":1,"a":2}', '{"b":1}', '{"A":1}', "[[1]]"]


def agreed(literal: str, sql_type: str) -> bool:
    """Whether Arrow takes the value; then it is checked to be the one that the column takes."""
    line = f'{{"c":{literal}}}\n'
    rows = read_typed_lines(line.encode(), (Column("c", sql_type),))
    if rows is None:
        return False
    ((record,), _) = scan_records(line)
    assert isinstance(record, dict)
    value = None if record["c"] is None else fitting_of(sql_type)(record["c"])
    assert value is not MISFIT, f"{literal} does not fit {sql_type}"
    expected = pa.array([value], rows.schema.field("c").type)
    assert rows.column(0).equals(expected), f"{literal} as {sql_type}: {rows.column(0)}, {expected}"
    return True


@pytest.mark.parametrize("sql_type", _TYPES)
def test_scalar_read_by_arrow_is_what_its_column_takes(sql_type: str) -> None:
    assert sum(agreed(literal, sql_type) for literal in _SCALARS + _NESTED) > 0


@pytest.mark.parametrize("sql_type", _TYPES)
def test_nested_value_read_by_arrow_is_what_its_column_takes(sql_type: str) -> None:
    arrays = [f"[{literal},null]" for literal in _SCALARS]
    assert sum(agreed(literal, f"array<{sql_type}>") for literal in [*arrays, *_NESTED, "1"]) > 2
    structs = [f'{{"a":{literal}}}' for literal in _SCALARS]
    assert sum(agreed(literal, f"struct<a:{sql_type},z:int>") for literal in [*structs, *_NESTED, "1"]) > 2
    deep = [f'[{{"a":[{literal}]}},null]' for literal in _SCALARS]
    assert sum(agreed(literal, f"array<struct<a:array<{sql_type}>>>") for literal in [*deep, *_NESTED]) > 2


@pytest.mark.parametrize(
    ("sql_type", "literal"),
    [
        ("date", '"2026-11-30"'), ("float", "0.1"), ("binary", '"AAEC"'), ("timestamp", '"2026-11-30 10:00:00"'),
        ("decimal(5,2)", "1.10"), ("struct<a:date,b:array<float>>", '{"a":"2026-11-30","b":[0.1,null]}'),
    ],
)  # fmt: skip
def test_common_form_of_a_type_is_read_by_arrow(sql_type: str, literal: str) -> None:
    assert agreed(literal, sql_type)


def test_entries_and_maps_of_other_types_are_left() -> None:
    assert not agreed('[{"key":"a","value":1}]', "map<string,int>")
    assert not agreed('{"1":1}', "map<int,int>")
    assert not agreed('{"a":"2026-11-30"}', "map<string,date>")
    assert not agreed('{"a":[1]}', "map<string,array<int>>")
