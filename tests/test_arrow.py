"""Delta tables read by Arrow: what comes back, and how the process that has read them ends."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline import arrow
from pipeline.arrow import arrow_dataset, frame_of_few, greatest
from pipeline.home import CHECKOUT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_READS = """
import sys
from deltalake import DeltaTable
from pipeline.arrow import arrow_dataset
arrow_dataset(DeltaTable(sys.argv[1])).to_table()
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of many files, in a folder whose name a URL writes otherwise."""
    path = tmp_path / "a home, 100 % ü" / "readings"
    for number in range(30):
        write_deltalake(path, pa.table({"number": [number], "text": [str(number)]}), mode="append")
    return path


def test_dataset_of_a_version_has_that_version_s_rows(table: Path) -> None:
    newest, earlier = arrow_dataset(DeltaTable(table)), arrow_dataset(DeltaTable(table, version=1))
    assert sorted(newest.to_table(["number"])["number"].to_pylist()) == list(range(30))
    assert sorted(earlier.to_table(["number"])["number"].to_pylist()) == [0, 1]


def test_process_that_has_read_a_table_ends_orderly_however_early(table: Path) -> None:
    # One by one: each has the machine to itself when it ends, as a command in a terminal has.
    codes = [
        subprocess.run([sys.executable, "-c", _READS, table], cwd=CHECKOUT, check=False).returncode for _ in range(8)
    ]
    assert codes == [0] * 8


def test_no_other_module_reads_tables_through_arrow_by_itself() -> None:
    folders = ("pipeline", "generators", "alerts", "demo", "bench", "scripts", "superset", "docker")
    found = {
        str(file.relative_to(CHECKOUT))
        for folder in folders
        for file in (CHECKOUT / folder).rglob("*.py")
        if "to_pyarrow_" in file.read_text(encoding="utf-8")
    }
    assert found == {"pipeline/arrow.py"}


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURS = [NOON + timedelta(hours=hour) for hour in range(4)]


def hourly(path: Path, kind: pa.DataType) -> DeltaTable:
    """Return a table with a file for each of four hours."""
    for hour in HOURS:
        write_deltalake(path, pa.table({"at": pa.array([hour], kind), "hour": [hour.hour]}), mode="append")
    return DeltaTable(path)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(pa.timestamp("us", "UTC"), [12, 15], id="moments"),
        pytest.param(pa.timestamp("us"), [12, 15], id="moments_without_a_zone"),
        # Days are compared with days by Spark itself, which then leaves out what nobody wanted.
        pytest.param(pa.date32(), [12, 13, 14, 15], id="days"),
    ],
)
def test_few_rows_of_some_stretches_of_time_are_read_from_their_files_alone(
    kind: pa.DataType, expected: list[int], spark: SparkSession, tmp_path: Path
) -> None:
    stretches = [(HOURS[0], HOURS[1]), (HOURS[3], HOURS[3] + timedelta(hours=1))]
    frame = frame_of_few(spark, hourly(tmp_path / "table", kind), ("at", stretches))
    assert frame is not None
    assert sorted(row["hour"] for row in frame.collect()) == expected


@pytest.mark.spark
def test_no_rows_are_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    table = hourly(tmp_path / "table", pa.timestamp("us", "UTC"))
    assert frame_of_few(spark, table, ("at", [(HOURS[0] - timedelta(hours=2), HOURS[0])])) is None
    table.delete()
    assert frame_of_few(spark, table) is None


@pytest.mark.spark
@pytest.mark.parametrize("limit", ["_FEW_FILES", "FEW_ROWS", "_FEW_BYTES"])
def test_many_rows_are_left_to_spark(
    limit: str, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = hourly(tmp_path / "table", pa.timestamp("us", "UTC"))
    monkeypatch.setattr(arrow, limit, 2)
    assert frame_of_few(spark, table) is None


def test_greatest_value_comes_from_the_log_or_where_it_has_none_from_the_rows(tmp_path: Path) -> None:
    table = hourly(tmp_path / "told", pa.timestamp("us", "UTC"))
    assert greatest(table, "at") == HOURS[3]
    for file in table.file_uris():
        Path(file.removeprefix("file://")).unlink()
    assert greatest(table, "at") == HOURS[3]
    write_deltalake(
        tmp_path / "untold", pa.table({"at": HOURS}), configuration={"delta.dataSkippingNumIndexedCols": "0"}
    )
    assert greatest(DeltaTable(tmp_path / "untold"), "at") == HOURS[3]
    write_deltalake(tmp_path / "empty", pa.table({"at": pa.array([None], pa.timestamp("us", "UTC"))}))
    assert greatest(DeltaTable(tmp_path / "empty"), "at") is None
