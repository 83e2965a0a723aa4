"""The continuous pipeline under a steady load: how fresh gold is, and whether memory stays flat."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from statistics import mean, median
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from bench.memory import resident_gigabytes
from bench.result import Result
from generators.plant import Plant
from pipeline.delta.table import Table
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import DataError
from pipeline.home.places import CHECKOUT, Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from bench.size import Size

READINGS_A_SECOND = 2_000
FRESHNESS_TARGET_SECONDS = 5.0
FLATNESS_TARGET = 1.25
_GOLD = "gold_hourly_device_summary"
_WARM_UP_SECONDS = 20
_PATIENCE_SECONDS = 120


class NotAllCountedError(DataError):
    """Gold did not count all readings that landed."""

    def __init__(self, landed: int, counted: int) -> None:
        super().__init__(f"Gold counts {counted:,} of {landed:,} readings.", "Read the home's log, then measure again.")


class Watch:
    """Records when readings land, when gold counts them, and how much memory a process uses."""

    def __init__(self, home: Home, pid: int) -> None:
        self.landed: list[tuple[float, int]] = []
        self.counted: list[tuple[float, int]] = []
        self.gigabytes: list[float] = []
        self._gold = home.table(load_settings().target_schema, _GOLD).data
        self._pid = pid
        self._over = threading.Event()
        self._threads = [threading.Thread(target=job, daemon=True) for job in (self._count, self._weigh)]
        for thread in self._threads:
            thread.start()

    def land(self, readings: int) -> None:
        """Record that more readings have landed."""
        before = self.landed[-1][1] if self.landed else 0
        self.landed.append((time.monotonic(), before + readings))

    def wait_until_counted(self) -> None:
        """Wait until gold counts all readings that have landed.

        Raises:
            NotAllCountedError: It does not, for two minutes.
        """
        landed = self.landed[-1][1]
        end = time.monotonic() + _PATIENCE_SECONDS
        while not self.counted or self.counted[-1][1] < landed:
            if time.monotonic() > end:
                raise NotAllCountedError(landed, self.counted[-1][1] if self.counted else 0)
            time.sleep(0.1)

    def close(self) -> None:
        """Stop recording."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def freshness(self, since: float) -> list[float]:
        """Return, for each file that landed since a time, the seconds until gold counted its last reading."""
        counts = iter(self.counted)
        at, counted = next(counts)
        waits = []
        for landed_at, readings in self.landed:
            while counted < readings:
                at, counted = next(counts)
            if landed_at >= since:
                waits.append(max(0.0, at - landed_at))
        return waits

    def _count(self) -> None:
        version = -1
        while not self._over.wait(0.1):
            table = Table(self._gold).opened()
            if table.version != version:
                version = table.version
                column = table.rows(["reading_count"])["reading_count"]
                self.counted.append((time.monotonic(), pc.sum(column).as_py() or 0))

    def _weigh(self) -> None:
        while not self._over.wait(2):
            self.gigabytes.append(resident_gigabytes(self._pid))


def continuous(size: Size, scratch: Path) -> list[Result]:
    """Measure the seconds from a landed file to its rows in gold, and memory at the end against halfway."""
    home = Home(scratch / "homes" / "continuous")
    plant = Plant(home.landing / "sensor_readings", SystemClock(), seed=1)
    command = [sys.executable, "-m", "pipeline", "run", "--continuous", "--home", str(home.root)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as process:
        watch = Watch(home, process.pid)
        try:
            _land_every_second(plant, watch, min(_WARM_UP_SECONDS, size.stream_seconds))
            watch.wait_until_counted()
            begin, weighed = time.monotonic(), len(watch.gigabytes)
            _land_every_second(plant, watch, size.stream_seconds)
            watch.wait_until_counted()
        finally:
            watch.close()
            process.send_signal(signal.SIGTERM)
    fresh = sorted(watch.freshness(since=begin))
    late = fresh[int(len(fresh) * 0.95)]
    note = f"{READINGS_A_SECOND:,} readings a second for {size.stream_seconds} s: p50 {median(fresh):.1f} s, max {fresh[-1]:.1f} s"
    second_half = watch.gigabytes[(weighed + len(watch.gigabytes)) // 2 :]
    few = max(1, len(second_half) // 5)
    end, halfway = mean(second_half[-few:]), mean(second_half[:few])
    return [
        Result.of("freshness_p95", [late], target=FRESHNESS_TARGET_SECONDS, note=note),
        Result.of(
            "continuous_memory", [end], rival="itself halfway", theirs=[halfway], target=FLATNESS_TARGET,
            note="gigabytes, not seconds: means of the second half's last and first fifth",
        ),
    ]  # fmt: skip


def _land_every_second(plant: Plant, watch: Watch, seconds: int) -> None:
    begin = time.monotonic()
    for number in range(seconds):
        time.sleep(max(0.0, begin + number - time.monotonic()))
        landed = plant.batch(files=1, records=READINGS_A_SECOND, anomaly_rate=0, format="lines")
        # Readings without a device go to quarantine, so gold does not count them.
        watch.land(landed.readings - landed.missing_device_id)
