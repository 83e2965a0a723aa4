"""Delta tables read by Arrow: what comes back, and how the process that has read them ends."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import url2pathname

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.reading import few_rows, greatest, newest_rows, rows_of
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.home.places import CHECKOUT

_READS = """
import sys
from deltalake import DeltaTable
from pipeline.delta.reading import rows_of
rows_of(DeltaTable(sys.argv[1]))
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of many files, in a folder whose name a URL writes otherwise."""
    path = tmp_path / "a home, 100 % ü" / "readings"
    for number in range(30):
        write_deltalake(path, pa.table({"number": [number], "text": [str(number)]}), mode="append")
    return path


def test_rows_of_a_version_are_that_version_s_rows(table: Path) -> None:
    newest, earlier = rows_of(DeltaTable(table)), rows_of(DeltaTable(table, version=1), ["number"])
    assert sorted(newest["number"].to_pylist()) == list(range(30))
    assert sorted(earlier["number"].to_pylist()) == [0, 1]
    assert newest.schema == pa.schema([("number", pa.int64()), ("text", pa.string())])


def test_rows_that_meet_a_condition_are_read_from_their_files_alone(table: Path) -> None:
    opened = DeltaTable(table)
    for uri in set(opened.file_uris()) - set(opened.file_uris(file_pruning_predicate="number >= 28")):
        Path(url2pathname(uri)).unlink()
    assert sorted(rows_of(opened, ["text"], "number >= 28")["text"].to_pylist()) == ["28", "29"]


def test_newest_rows_are_those_with_the_greatest_values(table: Path) -> None:
    found = newest_rows(DeltaTable(table), "number", 2, "number < 20")
    assert sorted(found.to_pylist(), key=lambda row: row["number"]) == [
        {"number": 18, "text": "18"},
        {"number": 19, "text": "19"},
    ]


def test_process_that_has_read_a_table_ends_orderly_however_early(table: Path) -> None:
    # One by one: each has the machine to itself when it ends, as a command in a terminal has.
    codes = [
        subprocess.run([sys.executable, "-c", _READS, table], cwd=CHECKOUT, check=False).returncode for _ in range(8)
    ]
    assert codes == [0] * 8


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURS = [NOON + timedelta(hours=hour) for hour in range(4)]


def hourly(path: Path, kind: pa.DataType) -> DeltaTable:
    """Return a table with a file for each of four hours."""
    for hour in HOURS:
        write_deltalake(path, pa.table({"at": pa.array([hour], kind), "hour": [hour.hour]}), mode="append")
    return DeltaTable(path)


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
    kind: pa.DataType, expected: list[int], tmp_path: Path
) -> None:
    stretches = [(HOURS[0], HOURS[1]), (HOURS[3], HOURS[3] + timedelta(hours=1))]
    rows = few_rows(hourly(tmp_path / "table", kind), DEFAULT_LIMITS, ("at", stretches))
    assert rows is not None
    assert sorted(rows["hour"].to_pylist()) == expected


def test_table_without_rows_has_few_rows(tmp_path: Path) -> None:
    table = hourly(tmp_path / "table", pa.timestamp("us", "UTC"))
    before = few_rows(table, DEFAULT_LIMITS, ("at", [(HOURS[0] - timedelta(hours=2), HOURS[0])]))
    table.delete()
    after = few_rows(table, DEFAULT_LIMITS)
    assert [rows is not None and rows.num_rows for rows in (before, after)] == [0, 0]


@pytest.mark.parametrize("limits", [Limits(few_rows=3), Limits(few_bytes=2)], ids=["rows", "bytes"])
def test_more_than_few_rows_are_not_read(limits: Limits, tmp_path: Path) -> None:
    assert few_rows(hourly(tmp_path / "table", pa.timestamp("us", "UTC")), limits) is None


def test_greatest_value_comes_from_the_log_or_where_it_has_none_from_the_rows(tmp_path: Path) -> None:
    table = hourly(tmp_path / "with_bounds", pa.timestamp("us", "UTC"))
    assert greatest(table, "at") == HOURS[3]
    for file in table.file_uris():
        Path(file.removeprefix("file://")).unlink()
    assert greatest(table, "at") == HOURS[3]
    write_deltalake(
        tmp_path / "without_bounds", pa.table({"at": HOURS}), configuration={"delta.dataSkippingNumIndexedCols": "0"}
    )
    assert greatest(DeltaTable(tmp_path / "without_bounds"), "at") == HOURS[3]
    write_deltalake(tmp_path / "empty", pa.table({"at": pa.array([None], pa.timestamp("us", "UTC"))}))
    assert greatest(DeltaTable(tmp_path / "empty"), "at") is None
