"""Files that cannot have the rows that are looked for, by the bounds in a table's log."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.delta.batch import Batch
from pipeline.delta.ranges import FileRanges, range_of
from pipeline.delta.snapshot import Snapshot

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def written(folder: Path, *batches: dict[str, pa.Array]) -> Path:
    for number, columns in enumerate(batches):
        Snapshot.opened(folder).append(pa.table(columns), Batch("u", "t", "f", number))
    return folder


def ranges(folder: Path, *columns: str) -> FileRanges:
    opened = FileRanges.opened(folder, columns)
    # deltalake lists the newest file first.
    return FileRanges(opened.table, tuple(sorted(opened.files, key=lambda file: str(file.bounds))))


def held(found: pa.ChunkedArray | None) -> list[bool] | None:
    return None if found is None else found.to_pylist()


def test_file_may_hold_rows_within_its_bounds_and_reaches_rows_up_to_its_greatest_value(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "t",
        {"key": pa.array(["A1", "A9"]), "at": pa.array([1, 5])},
        {"key": pa.array(["B1", "B9"]), "at": pa.array([6, 8])},
    )
    first, second = ranges(folder, "key", "at").files
    rows = pa.table({"key": ["A1", "A5", "B1"], "at": [5, 6, 9]})
    assert held(first.may_hold(rows, ["key"])) == [True, True, False]
    assert held(second.may_hold(rows, ["key"])) == [False, False, True]
    assert held(first.reaches(rows, "at")) == [True, False, False]
    assert held(second.reaches(rows, "at")) == [True, True, False]
    assert held(second.may_hold(rows, ["key", "at"])) == [False, False, False]


@pytest.mark.parametrize(
    ("values", "looked_for"),
    [
        # Delta's log has texts cut short, and moments to the millisecond.
        (["x" * 40 + "b"], "x" * 40 + "b"),
        ([MOMENT], MOMENT),
        ([date(2026, 3, 1)], date(2026, 3, 1)),
        ([2**40], 2**40),
    ],
)
def test_file_may_hold_what_it_holds_although_its_bounds_are_cut(
    tmp_path: Path, values: list[Any], looked_for: Any
) -> None:
    kind = pa.timestamp("us", tz="UTC") if isinstance(looked_for, datetime) else None
    folder = written(tmp_path / "t", {"key": pa.array(values, kind)})
    (file,) = ranges(folder, "key").files
    rows = pa.table({"key": pa.array([looked_for], kind)})
    assert held(file.may_hold(rows, ["key"])) == [True]
    assert held(file.reaches(rows, "key")) == [True]


def test_column_without_bounds_rules_nothing_out(tmp_path: Path) -> None:
    folder = written(tmp_path / "t", {"key": pa.array([True]), "at": pa.array([None], pa.int64())})
    (file,) = ranges(folder, "key", "at").files
    rows = pa.table({"key": [False], "at": [7]})
    assert file.may_hold(rows, ["key", "at"]) is None
    assert file.reaches(rows, "at") is None


def test_range_of_texts_and_numbers_is_sql_and_of_nulls_there_is_none() -> None:
    assert range_of(pa.chunked_array([["b", "a'c"]])) == [("'a''c'", "'b'")]
    assert range_of(pa.chunked_array([[3, -1]])) == [("-1", "3")]
    assert range_of(pa.chunked_array([[1, None]])) == []
    assert range_of(pa.chunked_array([[1.5]])) == []
    assert range_of(pa.chunked_array([], pa.int64())) == []
