"""What a Delta table says about itself, no matter which engine wrote it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from pipeline.delta.description import DeltaReader
from pipeline.page.plain import plain

if TYPE_CHECKING:
    from pathlib import Path


def test_table_that_is_not_there_is_empty(tmp_path: Path) -> None:
    reader = DeltaReader(tmp_path / "none")
    assert (reader.exists, reader.row_count(), reader.columns(), reader.newest_rows(5), reader.history(5)) == (
        False, 0, [], [], [],
    )  # fmt: skip
    assert (reader.schema_changes(), reader.column("a")) == ([], [])


def test_newest_rows_come_first_and_later_columns_are_null_in_older_ones(tmp_path: Path) -> None:
    write_deltalake(tmp_path, pa.table({"a": [1, 2, 3]}))
    write_deltalake(tmp_path, pa.table({"a": [4], "b": ["x"]}), mode="append", schema_mode="merge")
    reader = DeltaReader(tmp_path)
    assert reader.newest_rows(2) == [{"a": 4, "b": "x"}, {"a": 1, "b": None}]
    assert (reader.row_count(), sorted(reader.column("a"))) == (4, [1, 2, 3, 4])
    assert [commit["version"] for commit in reader.history(10)] == [1, 0]


def test_newest_rows_of_files_by_spark_and_by_arrow_are_alike(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
    rows = pa.table({"at": pa.array([moment], pa.timestamp("us", "UTC"))})
    write_deltalake(tmp_path, rows)
    # As Spark writes timestamps: without a zone, in nanoseconds.
    (file,) = tmp_path.glob("*.parquet")
    pq.write_table(rows, file, use_deprecated_int96_timestamps=True)
    write_deltalake(tmp_path, rows, mode="append")
    assert DeltaReader(tmp_path).newest_rows(5) == [{"at": moment}, {"at": moment}]


def test_columns_have_types_as_spark_writes_them_and_comments_where_somebody_gave_one(tmp_path: Path) -> None:
    inner = pa.struct([("x", pa.float64())])
    schema = pa.schema([
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("weight", pa.float64(), metadata={"comment": "in kilograms"}),
        pa.field("parts", pa.list_(inner)),
    ])  # fmt: skip
    write_deltalake(tmp_path, pa.table({"record_id": ["r"], "weight": [1.5], "parts": [[{"x": 1.0}]]}, schema=schema))
    columns = DeltaReader(tmp_path).columns()
    assert [(column["name"], column["type"], column["nullable"]) for column in columns] == [
        ("record_id", "string", False),
        ("weight", "double", True),
        ("parts", "array<struct<x: double>>", True),
    ]
    assert columns[0]["comment"] == "given once, when the record was first written; the same in every table"
    assert columns[1]["comment"] == "in kilograms"
    assert columns[2]["comment"] is None


def test_schema_changes_name_what_came_and_what_went(tmp_path: Path) -> None:
    write_deltalake(tmp_path, pa.table({"a": [1], "b": ["x"]}))
    write_deltalake(tmp_path, pa.table({"a": [2], "b": ["y"]}), mode="append")
    write_deltalake(tmp_path, pa.table({"a": [2], "c": [1.5]}), mode="overwrite", schema_mode="overwrite")
    first, second = DeltaReader(tmp_path).schema_changes()
    assert (first.version, first.added, first.removed) == (0, {"a": "long", "b": "string"}, ())
    assert (second.version, second.added, second.removed) == (2, {"c": "double"}, ("b",))


def test_values_that_json_has_no_word_for_become_text() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    row = {"n": float("nan"), "big": 2**60, "at": moment, "raw": b"\xffa", "d": Decimal("1.50"), "l": [1, (True, None)]}
    assert plain(row) == {
        "n": "nan",
        "big": "1152921504606846976",
        "at": "2026-03-01T12:00:00Z",
        "raw": "\ufffda",
        "d": "1.50",
        "l": [1, [True, None]],
    }
