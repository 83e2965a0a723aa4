"""Which values a column of each declared type takes, and as what: nothing is rounded."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.values import RawNumber


def taken(value: Any, sql_type: str) -> Any:
    """The value in its column, or the JSON text of what was rescued."""
    (row,) = to_record_batch([{"c": value}], [Column("c", sql_type)], "f").to_pylist()
    if row["_rescued_data"] is None:
        return row["c"]
    assert row["c"] is None
    return "rescued " + row["_rescued_data"].removesuffix(',"_file_path":"f"}').removeprefix('{"c":')


@pytest.mark.parametrize(
    ("sql_type", "least", "greatest"),
    [
        ("bigint", -(2**63), 2**63 - 1),
        ("int", -(2**31), 2**31 - 1),
        ("smallint", -(2**15), 2**15 - 1),
        ("tinyint", -128, 127),
    ],
)
def test_integers_hold_their_range_and_no_more(sql_type: str, least: int, greatest: int) -> None:
    assert [taken(value, sql_type) for value in (least, greatest, str(least), f" +{greatest} ")] == [
        least,
        greatest,
    ] * 2
    for beyond in (least - 1, greatest + 1):
        sent = beyond if -(2**63) <= beyond < 2**64 else RawNumber(str(beyond))
        assert taken(sent, sql_type) == f"rescued {beyond}"


@pytest.mark.parametrize(
    ("value", "integer"),
    [(5.0, 5), (RawNumber("1e2"), 100), ("007", 7), ("5.", 5), ("1.20e1", 12), (RawNumber("-0"), 0), ("0e99999", 0)],
)
def test_integer_takes_any_notation_of_a_whole_number(value: Any, integer: int) -> None:
    assert taken(value, "bigint") == integer


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1.5, "1.5"), (True, "true"), ("1_000", '"1_000"'), ("5L", '"5L"'), ("", '""'), (RawNumber("NaN"), '"NaN"'),
        (RawNumber("1e400"), "1e400"), ("1e99999999999999999999", '"1e99999999999999999999"'), ("0x10", '"0x10"'),
        ([1], "[1]"), ("1e-1", '"1e-1"'), ("9" * 5000, '"' + "9" * 5000 + '"'),
    ],
)  # fmt: skip
def test_integer_rescues_what_is_not_one(value: Any, kept: str) -> None:
    assert taken(value, "bigint") == f"rescued {kept}"


@pytest.mark.parametrize(
    ("value", "sql_type", "held"),
    [
        (1.5, "decimal(5,2)", Decimal("1.50")),
        (999.99, "decimal(5,2)", Decimal("999.99")),
        (RawNumber("1.1000"), "decimal(5,2)", Decimal("1.10")),
        ("+.5E1", "decimal(5,2)", Decimal(5)),
        (0, "decimal(2,2)", Decimal(0)),
        (RawNumber("52.520006600000001234567"), "decimal(38,21)", Decimal("52.520006600000001234567")),
        (RawNumber("1" * 38), "decimal(38,0)", Decimal("1" * 38)),
        (1000, "decimal(5,2)", "rescued 1000"),
        (1.234, "decimal(5,2)", "rescued 1.234"),
        (RawNumber("1" * 39), "decimal(38,0)", f"rescued {'1' * 39}"),
        (RawNumber("1e-70"), "decimal(38,38)", "rescued 1e-70"),
        ("NaN", "decimal(5,2)", 'rescued "NaN"'),
        (True, "decimal(5,2)", "rescued true"),
    ],
)
def test_decimal_keeps_every_digit_or_rescues(value: Any, sql_type: str, held: Any) -> None:
    assert taken(value, sql_type) == held


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (1.5, 1.5),
        (16777216, 16777216.0),
        (3.4028235e38, pytest.approx(3.4028235e38, rel=1e-7)),
        (0.1, pytest.approx(0.1, rel=1e-7)),
        ("-1.1754944e-38", pytest.approx(-1.1754944e-38, rel=1e-7)),
        (21.299999237060547, 21.299999237060547),
        (123456790, "rescued 123456790"),
        (16777217, "rescued 16777217"),
        (3.141592653589793, "rescued 3.141592653589793"),
        (1e39, "rescued 1e+39"),
        ("1e-60", 'rescued "1e-60"'),
    ],
)
def test_float_holds_a_number_whose_digits_it_gives_back(value: Any, held: Any) -> None:
    assert taken(value, "float") == held


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        (" 0001-01-01 ", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("2026-02-30", 'rescued "2026-02-30"'),
        ("2026-11-30T10:00:00", 'rescued "2026-11-30T10:00:00"'),
        ("20261130", 'rescued "20261130"'),
        ("30.11.2026", 'rescued "30.11.2026"'),
        (20000, "rescued 20000"),
    ],
)
def test_date_takes_the_iso_form(value: Any, held: Any) -> None:
    assert taken(value, "date") == held


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ("2026-11-30T10:00:00Z", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("2026-11-30 10:00:00.5", datetime(2026, 11, 30, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-30T10:00+05:30", datetime(2026, 11, 30, 4, 30, tzinfo=UTC)),
        ("2026-11-30T10:00:00.123456000-0100", datetime(2026, 11, 30, 11, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-11-30 10:00:00 +01", datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 30, tzinfo=UTC)),
        ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-11-30T10:00:00.1234567Z", 'rescued "2026-11-30T10:00:00.1234567Z"'),
        ("2026-11-30T25:00:00Z", 'rescued "2026-11-30T25:00:00Z"'),
        ("0001-01-01T00:00:00+01:00", 'rescued "0001-01-01T00:00:00+01:00"'),
        ("10:00:00", 'rescued "10:00:00"'),
        ("2026-11-30T10:00:00 CET", 'rescued "2026-11-30T10:00:00 CET"'),
        (1763632800, "rescued 1763632800"),
    ],
)
def test_timestamp_takes_iso_forms_to_the_microsecond(value: Any, held: Any) -> None:
    assert taken(value, "timestamp") == held


def test_binary_takes_base64() -> None:
    assert taken("AAEC", "binary") == b"\x00\x01\x02"
    assert [taken(value, "binary") for value in ("AAE", "é", 5)] == ['rescued "AAE"', 'rescued "é"', "rescued 5"]


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ({"a": 1, "b": ["x", 1.5, None]}, {"a": 1, "b": ["x", "1.5", None]}),
        ({"b": []}, {"a": None, "b": []}),
        ({}, {"a": None, "b": None}),
        ({"a": None, "c": None}, {"a": None, "b": None}),
        ({"a": 1.5}, 'rescued {"a":1.5}'),
        ({"a": 1, "c": RawNumber("1.10")}, 'rescued {"a":1,"c":1.10}'),
        ({"A": 1}, 'rescued {"A":1}'),
        ('{"a":1}', 'rescued "{\\"a\\":1}"'),
        ([1], "rescued [1]"),
    ],
)
def test_struct_takes_its_fields_and_a_misfit_inside_rescues_it_whole(value: Any, held: Any) -> None:
    assert taken(value, "struct<a:int,b:array<string>>") == held


@pytest.mark.parametrize(
    ("value", "held"),
    [([1, None, "2"], [1, None, 2]), ([], []), ([1, "x"], 'rescued [1,"x"]'), (1, "rescued 1"), ({}, "rescued {}")],
)
def test_array_takes_items_that_all_fit(value: Any, held: Any) -> None:
    assert taken(value, "array<int>") == held


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ({"1": True, "2": None}, [(1, True), (2, None)]),
        ({}, []),
        ({"x": True}, 'rescued {"x":true}'),
        ({"1": True, "01": False}, 'rescued {"1":true,"01":false}'),
        ({"1": 0}, 'rescued {"1":0}'),
        ([], "rescued []"),
    ],
)
def test_map_takes_an_object_whose_keys_and_values_fit(value: Any, held: Any) -> None:
    assert taken(value, "map<int,boolean>") == held


def test_misfit_leaves_the_rows_beside_it() -> None:
    records: list[Any] = [{"c": {"a": 1}}, {"c": {"a": "x"}}, {"c": None}, {}]
    batch = to_record_batch(records, [Column("c", "struct<a:int>")], "f")
    assert batch.column("c").to_pylist() == [{"a": 1}, None, None, None]
    assert [text and json.loads(text)["c"] for text in batch.column("_rescued_data").to_pylist()] == [
        None, {"a": "x"}, None, None,
    ]  # fmt: skip
