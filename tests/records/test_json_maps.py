"""Maps that Arrow reads as structs: what is taken has the same entries as record by record, and all else is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.records.columns import Column, to_record_batch
from pipeline.records.json_maps import MOST_KEYS
from pipeline.records.json_typed import read_typed_lines
from tests.records.test_json import records_of

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    Column("id", "bigint"), Column("tags", "map<string,string>"), Column("values", "map<string,double>"),
    Column("counts", "map<string,int>"), Column("place", "struct<x:double>"),
)  # fmt: skip
NAMES = [column.name for column in COLUMNS]


def with_maps(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return rows with maps as dictionaries: the order of a map's keys has no meaning."""
    found = [
        row | {name: row[name] if row[name] is None else dict(row[name]) for name in NAMES[1:4]}
        for row in rows.to_pylist()
    ]
    return [{name: row[name] for name in NAMES} for row in found]


def row(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(NAMES) | values


def test_maps_have_the_keys_that_their_objects_have() -> None:
    block = b"""{"id":1,"tags":{"a":"x","\\u00e9":""},"values":{"t":1,"u":2.5},"counts":{}}
{"id":2,"values":{"u":-0.5},"place":{"x":1}}
{"tags":{"b":"null y"},"counts":{"n":7}}
{"tags":{}}
"""
    taken = read_typed_lines(block.replace(b"null ", b""), COLUMNS)

    assert taken is not None
    assert [field.name for field in taken.schema] == NAMES
    assert [field.type for field in taken.schema] == [column.arrow_type for column in COLUMNS]
    assert with_maps(taken) == [
        row(id=1, tags={"a": "x", "é": ""}, values={"t": 1.0, "u": 2.5}, counts={}),
        row(id=2, values={"u": -0.5}, place={"x": 1.0}),
        row(tags={"b": "y"}, counts={"n": 7}),
        row(tags={}),
    ]


def test_maps_that_no_record_has_are_null() -> None:
    taken = read_typed_lines(b'{"id":1}', COLUMNS)

    assert taken is not None
    assert with_maps(taken) == [row(id=1)]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b'{"tags":{"a":null}}', id="null_item"),
        pytest.param(b'{"tags":null}', id="null_map"),
        pytest.param(b'{"tags":{"a":"x","a":"y"}}', id="key_twice"),
        pytest.param(b'{"tags":{"a":"2026-11-30"}}', id="text_that_looks_like_a_date"),
        pytest.param(b'{"tags":{"a":"2026-11-30T10:00:00Z"}}', id="text_that_looks_like_a_moment"),
        pytest.param(b'{"tags":{"a":1}}', id="number_for_a_text"),
        pytest.param(b'{"tags":["a"]}', id="array_for_a_map"),
        pytest.param(b'{"tags":"a"}', id="text_for_a_map"),
        pytest.param(b'{"values":{"a":9007199254740993}}', id="integer_that_no_double_holds"),
        pytest.param(b'{"values":{"a":1e999}}', id="too_large"),
        pytest.param(b'{"values":{"a":true}}', id="truth_for_a_number"),
        pytest.param(b'{"values":{"a":{"b":1}}}', id="object_for_a_number"),
        pytest.param(b'{"counts":{"a":1.0}}', id="fraction_for_a_whole_number"),
        pytest.param(b'{"counts":{"a":2147483648}}', id="whole_number_too_large"),
        pytest.param(b'{"id":1,"other":2}', id="key_without_column"),
        pytest.param(b'{"place":{"x":1,"y":2}}', id="field_without_column"),
        pytest.param(
            json.dumps({"tags": {str(number): "x" for number in range(MOST_KEYS + 1)}}).encode(), id="many_keys"
        ),
    ],
)
def test_block_with_anything_else_is_left(block: bytes) -> None:
    assert read_typed_lines(block, COLUMNS) is None


KEYS = st.sampled_from(["a", "b", "é", "a.b", ""]) | st.text(max_size=3)
TEXTS = st.text(max_size=5) | st.sampled_from(["2026-11-30", "2026-11-30 10:00", "10:00", "true", "1"])
NUMBERS = st.integers(-(2**60), 2**60) | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.integers(-9, 9),
            "tags": st.dictionaries(KEYS, TEXTS, max_size=3),
            "values": st.dictionaries(KEYS, NUMBERS, max_size=3),
            "counts": st.dictionaries(KEYS, st.integers(-9, 2**33) | st.booleans(), max_size=3) | st.none(),
        },
    ),
    max_size=6,
)


@settings(max_examples=600, deadline=None)
@given(ROWS)
@example([{"values": {"a": -0.0}}, {"values": {"a": 1}}])
def test_what_is_taken_has_the_same_entries_as_record_by_record(rows: list[dict[str, Any]]) -> None:
    block = "\n".join(map(json.dumps, rows)).encode()
    taken = read_typed_lines(block, COLUMNS)
    if taken is not None:
        slow = to_record_batch(records_of(block), COLUMNS, "sent.json")
        assert slow["_rescued_data"].null_count == slow["_corrupt_record"].null_count == len(slow)
        assert with_maps(taken) == with_maps(slow)
