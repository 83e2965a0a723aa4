"""What a table's log tells of the rows in a file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.delta.write.statistics import FileStatistics

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=UTC)
BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MOMENT = pa.timestamp("us", "UTC")


def told(*groups: pa.Table) -> Any:
    statistics = FileStatistics(groups[0].schema)
    for group in groups:
        statistics.add(group)
    return json.loads(statistics.as_json())


def test_bounds_and_nulls_of_several_groups_are_those_of_all_their_rows() -> None:
    schema = pa.schema([("text", pa.string()), ("number", pa.int64()), ("at", MOMENT), ("day", pa.date32())])
    groups: list[list[tuple[Any, ...]]] = [
        [("b", 2, NOON, date(2026, 3, 1)), (None, None, BEFORE_1970, None)],
        [("a\U0001f525", -1, None, date(999, 1, 1)), ("é", None, None, None)],
        [(None, None, None, None)],
    ]
    tables = [
        pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema) for rows in groups
    ]
    assert told(*tables) == {
        "numRecords": 5,
        "minValues": {"text": "a\U0001f525", "number": -1, "at": "1969-12-31T23:59:59.999Z", "day": "0999-01-01"},
        "maxValues": {"text": "é", "number": 2, "at": "2026-03-01T12:00:00.123Z", "day": "2026-03-01"},
        "nullCount": {"text": 2, "number": 3, "at": 3, "day": 3},
    }


@pytest.mark.parametrize(
    ("values", "kind", "least", "greatest"),
    [
        pytest.param([1.5, float("nan")], pa.float64(), None, None, id="nan"),
        pytest.param([1.5, float("inf")], pa.float64(), 1.5, None, id="infinity"),
        pytest.param(["a", "b" * 33], pa.string(), "a", None, id="long_text"),
        pytest.param(["a", "b" * 32], pa.string(), "a", "b" * 32, id="text_that_just_fits"),
        pytest.param([None, None], pa.string(), None, None, id="nulls"),
        pytest.param([True, False], pa.bool_(), None, None, id="booleans"),
        pytest.param([Decimal("1.50")], pa.decimal128(5, 2), None, None, id="decimals"),
        pytest.param([["a"]], pa.list_(pa.string()), None, None, id="lists"),
        pytest.param([2**62], MOMENT, None, None, id="year_that_python_has_no_date_for"),
    ],
)
def test_bound_that_the_log_cannot_tell_is_left_out(
    values: list[Any], kind: pa.DataType, least: Any, greatest: Any
) -> None:
    found = told(pa.table({"column": pa.array(values, kind)}))
    assert (found["minValues"].get("column"), found["maxValues"].get("column")) == (least, greatest)
    assert found["nullCount"] == {"column": values.count(None)}


def test_columns_beyond_the_thirty_second_are_left_out() -> None:
    found = told(pa.table({f"column_{number}": [number] for number in range(40)}))
    assert list(found["nullCount"]) == list(found["minValues"]) == [f"column_{number}" for number in range(32)]


def test_struct_is_left_out() -> None:
    found = told(
        pa.table({"number": [1], "pair": [{"a": 1}], "pairs": pa.array([[("a", 1)]], pa.map_("string", "int64"))})
    )
    assert found["nullCount"] == {"number": 0, "pairs": 0}
    assert found["minValues"] == {"number": 1}


def test_file_without_rows_has_no_bounds() -> None:
    assert told(pa.table({"number": pa.array([], pa.int64())})) == {
        "numRecords": 0, "minValues": {}, "maxValues": {}, "nullCount": {"number": 0},
    }  # fmt: skip
