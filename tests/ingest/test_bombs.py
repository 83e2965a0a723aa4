"""Bombs, small on disk and endless when read, through one update of bounded memory; every good record arrives."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from deltalake import DeltaTable

from generators.faults import land_fault
from generators.faults.bombs import BOMB_FAULTS
from generators.landing import Landing
from pipeline.delta.reading import rows_of
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import CHECKOUT, Home
from tests.conftest import TABLES, TestLakehouse
from tests.ingest.memory_limit import run_limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEGABYTE = 1024**2
MOST_BYTES = 3 * 1024**3
READING = {
    "device_id": "MFG-A-1000",
    "timestamp": "2026-03-01T10:00:00",
    "temperature_celsius": 21.5,
    "vibration_hz": 0.2,
    "location": "Factory Floor A",
}
GOOD = (json.dumps(READING) + "\n").encode()


def _text(megabytes: int) -> Iterator[bytes]:
    yield b'{"device_id":"'
    for _ in range(megabytes):
        yield b"x" * MEGABYTE
    yield b'"}\n'


def _separators(unit: bytes) -> Iterator[bytes]:
    for _ in range(1024):
        yield unit * (MEGABYTE // len(unit))


def _records(count: int, megabytes: int) -> Iterator[bytes]:
    """Yield records nearly as long as is allowed."""
    for _ in range(count):
        yield GOOD.rstrip()[:-1] + b',"note":"%b"}\n' % (b"x" * megabytes * MEGABYTE)


# Each bomb, how many rows it brings and how many of them are corrupt.
BOMBS: dict[str, tuple[Callable[[], Iterator[bytes]], int, int]] = {
    "hundred megabytes of one record": (lambda: _text(100), 3, 1),
    "two gigabytes and a half of one record": (lambda: _text(2560), 3, 1),
    "a gigabyte of blanks": (lambda: _separators(b" "), 2, 0),
    "a gigabyte of commas": (lambda: _separators(b","), 2, 0),
    "a gigabyte of line ends": (lambda: _separators(b"\n"), 2, 0),
    "many records of fifteen megabytes": (lambda: _records(20, 15), 22, 0),
}


def land_bombs(lakehouse: TestLakehouse) -> dict[str, tuple[int, int]]:
    """Land every bomb, and return the rows and corrupt rows of each by its file's name."""
    folder = lakehouse.home.landing / "sensor_readings"
    landing = Landing(folder, SystemClock())
    expected: dict[str, tuple[int, int]] = {}
    for fault in BOMB_FAULTS:
        path = land_fault(fault, landing, SystemClock().now(), seed=7)
        corrupt = fault.corrupt_records or 0
        expected[path.name] = ((fault.good_records or 0) + corrupt, corrupt)
    for name, (content, rows, corrupt) in BOMBS.items():
        with gzip.open(folder / f"{name}.json.gz", "wb", compresslevel=1) as file:
            file.write(GOOD)
            for piece in content():
                file.write(piece)
            file.write(GOOD)
        expected[f"{name}.json.gz"] = (rows, corrupt)
    return expected


@pytest.mark.bench
@pytest.mark.spark
@pytest.mark.slow
def test_update_over_all_bombs_at_once_completes_within_three_gigabytes(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    lakehouse = TestLakehouse(cast("Any", None), home, cast("Any", SystemClock()))
    expected = land_bombs(lakehouse)
    command = [sys.executable, "-m", "pipeline", "run", "--home", str(home.root)]
    code, output, peak_bytes = run_limited(command, CHECKOUT, MOST_BYTES)
    assert code == 0, output
    assert peak_bytes < MOST_BYTES
    columns = ["source_file", "_corrupt_record"]
    found: dict[str, tuple[int, int]] = dict.fromkeys(expected, (0, 0))
    for row in rows_of(DeltaTable(lakehouse.path(TABLES[0])), columns).to_pylist():
        rows, corrupt = found[Path(row["source_file"]).name]
        found[Path(row["source_file"]).name] = (rows + 1, corrupt + (row["_corrupt_record"] is not None))
    assert found == expected
    assert {record.state for record in lakehouse.files().values()} == {"ingested"}
