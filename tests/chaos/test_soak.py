"""Continuous mode under load: `make soak MINUTES=5 RATE=2000` prints freshness and memory."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from generators.faults import FAULTS, land_fault
from generators.landing import Landing
from generators.plant import Plant
from pipeline.delta.table import Table
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from pipeline.spark_settings import SPARK_VARIABLES
from tests.chaos.ordeal import Ordeal
from tests.conftest import TABLES

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.bench

SECONDS = float(os.environ.get("MINUTES") or 5) * 60
RATE = float(os.environ.get("RATE") or 2000)
BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES


class Gauge:
    """Samples the memory of a process and its children, and saves gold's checkpoint entries before they are purged."""

    def __init__(self, pid: int, home: Home) -> None:
        self.megabytes: list[float] = []
        self.read_by_batch: dict[int, int] = {}
        self._pid = pid
        self._offsets = home.state / "checkpoints" / "smart_factory" / GOLD
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(2):
            pages = sum(_resident_pages(pid) for pid in _family(self._pid))
            self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            for file in self._offsets.glob("*/offsets/[0-9]*"):
                lines = file.read_text(encoding="utf-8").splitlines()
                self.read_by_batch[int(file.name)] = json.loads(lines[2])["reservoirVersion"]


def test_continuous_update_under_load_keeps_its_promises_in_flat_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A heap that fills within a minute: in a larger one the JVM would keep growing without need.
    monkeypatch.setenv(SPARK_VARIABLES["driver_memory"], "1536m")
    ordeal = Ordeal(Home(tmp_path / "a home"), random.Random(1))
    folder, clock = ordeal.home.landing / "sensor_readings", SystemClock()
    plant = Plant(folder, clock, seed=1)
    with ordeal.start("--continuous") as process:
        gauge = Gauge(process.pid, ordeal.home)
        beside = threading.Thread(target=_trouble, args=(folder, clock), daemon=True)
        beside.start()
        landed = plant.stream(
            rate=RATE, interval=timedelta(seconds=1), sleep=time.sleep, duration=timedelta(seconds=SECONDS)
        )
        time.sleep(10)
        gauge.close()
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        output, errors = process.communicate(timeout=180)
        ended_in = time.monotonic() - begun
    assert process.returncode == 0, output + errors
    assert ordeal.run().returncode == 0
    fresh = sorted(freshness(ordeal.lakehouse, gauge.read_by_batch).values())
    settled = gauge.megabytes[len(gauge.megabytes) // 2 :]
    report = (
        f"\n{landed.readings:,} readings at {RATE:,.0f} a second; freshness of {len(fresh)} files: "
        f"p50 {statistics.median(fresh):.1f} s, p95 {fresh[int(len(fresh) * 0.95)]:.1f} s, max {fresh[-1]:.1f} s; "
        f"memory halfway {settled[0]:,.0f} MB, at the end {settled[-1]:,.0f} MB; ended in {ended_in:.1f} s\n"
    )
    with capsys.disabled():
        sys.stdout.write(report)
    assert len(fresh) >= len(landed.files)
    assert statistics.mean(settled[-5:]) < 1.25 * statistics.mean(settled[:5])
    _check(ordeal.lakehouse, landed.readings)


def freshness(lakehouse: TestLakehouse, read_by_batch: dict[int, int]) -> dict[str, float]:
    """Return, for each file that reached silver, the seconds from landing until gold counted its rows."""
    counted_at = {
        event["origin"]["batch_id"]: event["timestamp"]
        for event in lakehouse.rows("event_log", "sequence", "origin", "timestamp", "event_type")
        if event["origin"]["dataset_name"] == GOLD and event["event_type"] == "flow_progress"
    }
    files: dict[str, float] = {}
    log = lakehouse.path(SILVER) / "_delta_log"
    for commit in sorted(log.glob("*.json")):
        batches = [
            batch for batch, version in read_by_batch.items() if version > int(commit.stem) and batch in counted_at
        ]
        if not batches:
            continue
        counted = counted_at[min(batches)]
        for line in commit.read_text(encoding="utf-8").splitlines():
            added = json.loads(line).get("add")
            if added:
                rows = pq.read_table(lakehouse.path(SILVER) / added["path"], columns=["source_file"])
                for path in rows["source_file"].unique().to_pylist():
                    landed_at = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
                    files.setdefault(path, (counted - landed_at).total_seconds())
    return files


def _check(lakehouse: TestLakehouse, readings: int) -> None:
    """Check the invariants without a Python object for each of a million rows."""
    ids: dict[str, Any] = {
        table: Table(lakehouse.path(table)).rows(["record_id"])["record_id"] for table in (BRONZE, SILVER, QUARANTINE)
    }
    counts = {table: len(column) for table, column in ids.items()}
    assert counts[BRONZE] == counts[SILVER] + counts[QUARANTINE] >= readings
    assert len(ids[BRONZE].unique()) == counts[BRONZE]
    downstream = {*ids[SILVER].to_pylist(), *ids[QUARANTINE].to_pylist()}
    assert downstream == set(ids[BRONZE].to_pylist())
    gold = Table(lakehouse.path(GOLD)).rows()
    silver = Table(lakehouse.path(SILVER)).rows(["device_id", "location", "event_timestamp", "temperature_celsius"])
    hour = pc.floor_temporal(silver["event_timestamp"], unit="hour")
    grouped = silver.append_column("window_start", hour).group_by(["device_id", "location", "window_start"])
    fresh = grouped.aggregate([("device_id", "count"), ("temperature_celsius", "max")])
    key = ("device_id", "location", "window_start")
    assert sorted(_rows(gold, *key, "reading_count", "max_temp")) == sorted(
        _rows(fresh, *key, "device_id_count", "temperature_celsius_max")
    )
    assert lakehouse.counted_by_events(*TABLES) == {
        **counts,
        GOLD: gold.num_rows,
        STATUS: len(set(silver["device_id"].to_pylist())),
    }


def _rows(table: Any, *columns: str) -> list[str]:
    return [str(list(row.values())) for row in table.select(list(columns)).to_pylist()]


def _trouble(folder: Path, clock: SystemClock) -> None:
    """Land a new column, late readings and every kind of bad input while the stream runs."""
    plant = Plant(folder, clock, seed=2)
    time.sleep(SECONDS / 4)
    plant.schema_change(files=2)
    time.sleep(SECONDS / 8)
    for fault in FAULTS:
        if not fault.is_large:
            land_fault(fault, Landing(folder, clock), clock.now(), seed=1)
    for _ in range(3):
        time.sleep(SECONDS / 8)
        plant.late(files=1)


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text(encoding="utf-8").split():
            found += _family(int(child))
    return found


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except OSError:
        return 0
