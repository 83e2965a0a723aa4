from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.options import TextOptions
from pipeline.records.values import Corrupt, RawNumber, Record

FILE = "/landing/a b.json"


def row_of(record: dict[str, Any] | Corrupt, *columns: Column, rescue: bool = True) -> dict[str, Any]:
    rows: list[dict[str, Any]] = to_record_batch([record], columns, FILE, rescue=rescue).to_pylist()
    return rows[0]


def fitted(value: Any, column_type: str) -> tuple[Any, str | None]:
    """What a column takes of a value, and what is rescued."""
    row = row_of({"c": value}, Column("c", column_type))
    return row["c"], row["_rescued_data"]


def rescued(value: str) -> tuple[None, str]:
    return None, f'{{"c":{value},"_file_path":"{FILE}"}}'


def test_batch_has_the_columns_then_rescued_data_then_corrupt_record() -> None:
    columns = [Column("device_id", "string"), Column("temperature", "double"), Column("on", "boolean")]
    records: list[Record] = [
        {"device_id": "é", "temperature": 21.5, "on": True},
        {"device_id": None, "on": False},
        Corrupt('{"device_id":'),
        {},
    ]
    batch = to_record_batch(records, columns, FILE)
    assert batch.schema == pa.schema(
        [
            ("device_id", pa.string()),
            ("temperature", pa.float64()),
            ("on", pa.bool_()),
            ("_rescued_data", pa.string()),
            ("_corrupt_record", pa.string()),
        ]
    )
    assert [tuple(row.values()) for row in batch.to_pylist()] == [
        ("é", 21.5, True, None, None),
        (None, None, False, None, None),
        (None, None, None, None, '{"device_id":'),
        (None, None, None, None, None),
    ]


def test_batch_of_no_records_has_its_columns_and_no_row() -> None:
    batch = to_record_batch([], [Column("a", "double")], FILE)
    assert (batch.num_rows, batch.schema.names) == (0, ["a", "_rescued_data", "_corrupt_record"])


def test_batch_without_columns_rescues_everything() -> None:
    assert row_of({"a": 1}) == {"_rescued_data": f'{{"a":1,"_file_path":"{FILE}"}}', "_corrupt_record": None}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (21.5, 21.5),
        (-3, -3.0),
        (0, 0.0),
        (2**53, 2.0**53),
        ("21.5", 21.5),
        (" -3\n", -3.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("0", 0.0),
        ("+21.5", 21.5),
        ("+1.5E-03", 0.0015),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("007.5", 7.5),
        ("-007", -7.0),
        (RawNumber("21.50"), 21.5),
        (RawNumber("1e2"), 100.0),
        (RawNumber("18446744073709551616"), 2.0**64),
        ("9007199254740992", 2.0**53),
        (None, None),
    ],
)
def test_double_takes_numbers_and_texts_that_spell_one(value: Any, number: float | None) -> None:
    assert fitted(value, "double") == (number, None)


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (True, "true"),
        (RawNumber("NaN"), '"NaN"'),
        (RawNumber("1e999"), "1e999"),
        (2**53 + 1, "9007199254740993"),
        (RawNumber("12345678901234567890123"), "12345678901234567890123"),
        (RawNumber("1" + "0" * 400), "1" + "0" * 400),
        ("1" + "0" * 5000, '"1' + "0" * 5000 + '"'),
        ("9007199254740993", '"9007199254740993"'),
        ("", '""'),
        (" ", '" "'),
        ("NaN", '"NaN"'),
        ("inf", '"inf"'),
        ("1e999", '"1e999"'),
        ("1d", '"1d"'),
        ("0x1", '"0x1"'),
        ("1_000", '"1_000"'),
        ("1,5", '"1,5"'),
        ("1.5d", '"1.5d"'),
        ("5f", '"5f"'),
        (".", '"."'),
        ("+-5", '"+-5"'),
        ("-", '"-"'),
        ("٣", '"٣"'),
        ("hot", '"hot"'),
        ({"value": 21.5}, '{"value":21.5}'),
        ([RawNumber("Infinity")], '["Infinity"]'),
    ],
)
def test_double_rescues_everything_but_a_finite_number_that_it_can_hold(value: Any, raw: str) -> None:
    assert fitted(value, "double") == rescued(raw)


@pytest.mark.parametrize(
    ("value", "boolean"),
    [(True, True), (False, False), ("true", True), ("False", False), ("TRUE", True), (" tRuE ", True)],
)
def test_boolean_takes_true_and_false_and_their_texts_in_any_case(value: Any, boolean: bool) -> None:
    assert fitted(value, "boolean") == (boolean, None)


@pytest.mark.parametrize(
    ("value", "raw"),
    [(1, "1"), (0.0, "0.0"), ("1", '"1"'), ("on", '"on"'), ("yes", '"yes"'), ("", '""'), ([True], "[true]")],
)
def test_boolean_rescues_everything_else(value: Any, raw: str) -> None:
    assert fitted(value, "boolean") == rescued(raw)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (" a\tb ", " a\tb "),
        ("\x00", "\x00"),
        (5, "5"),
        (RawNumber("1180591620717411303424"), "1180591620717411303424"),
        (RawNumber("1.10"), "1.10"),
        (RawNumber("-0"), "-0"),
        (21.5, "21.5"),
        (1.0, "1.0"),
        (1e22, "1e+22"),
        (True, "true"),
        (False, "false"),
        (RawNumber("NaN"), "NaN"),
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        ({"a": RawNumber("1180591620717411303424")}, '{"a":1180591620717411303424}'),
        ({"a": [RawNumber("1.10"), RawNumber("1e999")]}, '{"a":[1.10,1e999]}'),
        ({"a": RawNumber("NaN")}, '{"a":"NaN"}'),
        ([], "[]"),
        ("\ud800x", "\ufffdx"),
        ({"\ud800": "°", "b": [RawNumber("1.10"), None, 1.5]}, '{"\\ud800":"°","b":[1.10,null,1.5]}'),
    ],
)
def test_string_takes_every_value_as_its_json_text(value: Any, text: str) -> None:
    assert fitted(value, "string") == (text, None)


def test_key_without_a_column_is_rescued_with_the_files_path() -> None:
    row = row_of({"b": {"x": [RawNumber("1.10"), None]}, "a": "1", "A": ""}, Column("a", "string"))
    assert row["a"] == "1"
    assert row["_rescued_data"] == f'{{"b":{{"x":[1.10,null]}},"A":"","_file_path":"{FILE}"}}'


def test_null_without_a_column_is_not_rescued() -> None:
    batch = to_record_batch([{"a": "1", "b": None}, {"b": None, "c": 2}, {"b": None}], [Column("a", "string")], FILE)
    assert batch.column("_rescued_data").to_pylist() == [None, f'{{"c":2,"_file_path":"{FILE}"}}', None]


def test_misfit_and_unknown_key_are_rescued_together_in_the_records_order() -> None:
    row = row_of({"z": 1, "t": "hot", "a": "ok", "b": True}, Column("a", "string"), Column("t", "double"))
    assert row["_rescued_data"] == f'{{"z":1,"t":"hot","b":true,"_file_path":"{FILE}"}}'


def test_misfit_spoils_no_other_row() -> None:
    batch = to_record_batch([{"t": 1}, {"t": "hot"}, {"t": 2.5}, {}], [Column("t", "double")], FILE)
    assert batch.column("t").to_pylist() == [1.0, None, 2.5, None]
    assert [text is not None for text in batch.column("_rescued_data").to_pylist()] == [False, True, False, False]


def test_records_own_file_path_is_kept_under_a_longer_name() -> None:
    row = row_of({"_file_path": "mine", "__file_path": "too"})
    assert json.loads(row["_rescued_data"]) == {"___file_path": "mine", "__file_path": "too", "_file_path": FILE}


def test_rescue_turned_off_leaves_rescued_data_null() -> None:
    row = row_of({"t": "hot", "b": 1}, Column("t", "double"), rescue=False)
    assert row == {"t": None, "_rescued_data": None, "_corrupt_record": None}


def test_undecodable_file_name_does_not_stop_the_rescue() -> None:
    rows = to_record_batch([{"a": 1}], [], "/landing/\udcff.json").to_pylist()
    assert rows[0]["_rescued_data"] == '{"a":1,"_file_path":"/landing/\\udcff.json"}'


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["21.5", "true", " 7 ", "-0", "1e400"])
    | TEXTS
    | st.builds(RawNumber, st.sampled_from(["NaN", "1e999", "1.10", "-0", "1180591620717411303424"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["text", "number", "flag", "other", "_file_path", "Text"])
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6) | st.builds(Corrupt, st.just("x")), max_size=5)
COLUMNS = [Column("text", "string"), Column("number", "double"), Column("flag", "boolean")]


def is_kept(name: str, value: Any, row: dict[str, Any]) -> bool:
    kept = json.loads(row["_rescued_data"] or "{}")
    if name in kept and name != "_file_path":
        return row.get(name) is None
    return value is None or row.get(name) is not None or "__file_path" in kept


@settings(max_examples=150, deadline=None)
@given(RECORDS)
def test_every_value_is_in_its_column_or_rescued_and_never_in_both(records: list[dict[str, Any] | Corrupt]) -> None:
    rows = to_record_batch(records, COLUMNS, FILE).to_pylist()
    assert len(rows) == len(records)
    for record, row in zip(records, rows, strict=True):
        if isinstance(record, Corrupt):
            assert list(row.values()) == [None, None, None, None, "x"]
            continue
        assert all(is_kept(name, value, row) for name, value in record.items())
        assert row["number"] is None or math.isfinite(row["number"])
        if row["_rescued_data"]:
            assert json.loads(row["_rescued_data"])["_file_path"] == FILE


@settings(max_examples=80, deadline=None)
@given(RECORDS)
def test_rows_are_alike_alone_and_in_one_batch(records: list[dict[str, Any] | Corrupt]) -> None:
    together = to_record_batch(records, COLUMNS, FILE).to_pylist()
    assert together == [row_of(record, *COLUMNS) for record in records]


def test_number_with_a_decimal_comma_fits_a_column_of_numbers_and_one_with_a_point_does_not() -> None:
    columns = [Column("number", "double"), Column("text", "string")]
    records: list[Record] = [{"number": "2,5", "text": "2,5"}, {"number": "2.5", "text": "2.5"}, {"number": "7"}]
    batch = to_record_batch(records, columns, FILE, options=TextOptions(decimal=","))
    assert [tuple(row.values()) for row in batch.select(["number", "text", "_rescued_data"]).to_pylist()] == [
        (2.5, "2,5", None),
        (None, "2.5", f'{{"number":"2.5","_file_path":"{FILE}"}}'),
        (7.0, None, None),
    ]
