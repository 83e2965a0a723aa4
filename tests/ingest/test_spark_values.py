"""Rows as Spark reads them, in the columns of a table."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.reader import Plan
from pipeline.ingest.spark_values import as_rows
from pipeline.records.columns import Column

MOST = 8 * 1024
LONG = "x" * (3 * MOST)
PLAN = Plan(FilesSource("things", format="parquet", max_record_bytes=MOST), (Column("id", "string"),), folder="/things")


@pytest.mark.parametrize(
    "long", [{"id": LONG, "more": "y"}, {"id": "2", "more": LONG}], ids=["in a column", "without a column"]
)
def test_row_with_a_long_value_is_corrupt_and_has_nothing_else(long: dict[str, str]) -> None:
    read = pa.RecordBatch.from_pylist([{"id": "1", "more": None}, long, {"id": "3", "more": None}])
    rows = as_rows(read, PLAN, "/things/a.parquet").to_pylist()
    whole = json.dumps(long, separators=(",", ":"))
    note = f"… [{len(whole)} bytes; max_record_bytes is {MOST}]"
    assert rows == [
        {"id": "1", "_rescued_data": None, "_corrupt_record": None},
        {"id": None, "_rescued_data": None, "_corrupt_record": whole[: 4 * 1024 + 3] + note},
        {"id": "3", "_rescued_data": None, "_corrupt_record": None},
    ]
