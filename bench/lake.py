"""Lakehouses that a measurement fills, and the session that it keeps warm."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.readings import NEWEST, Stock, land
from bench.stopwatch import seconds
from pipeline.clock import FixedClock
from pipeline.errors import DataError
from pipeline.home import Home
from pipeline.session import build_session
from pipeline.settings import DEFAULT_SETTINGS, SparkSettings, load_settings
from pipeline.update import Update

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.settings import Settings

_WARM_UP = 2_000


@dataclass(frozen=True)
class Bench:
    """A scratch folder, a warm session, and readings to fill homes with."""

    scratch: Path
    spark: SparkSession
    stock: Stock

    def home(self, name: str) -> Home:
        """Return a home of this name, emptied."""
        root = self.scratch / "homes" / name
        shutil.rmtree(root, ignore_errors=True)
        return Home(root)

    def update(self, home: Home, settings_file: Path = DEFAULT_SETTINGS) -> None:
        """Run one update in the warm session.

        Raises:
            UpdateNotCompletedError: It did not complete; its time would say nothing.
        """
        settings: Settings = load_settings(settings_file)
        result = Update(home, settings, FixedClock(NEWEST), lambda: self.spark, cause="BENCHMARK").run()
        if result.state != "COMPLETED":
            raise UpdateNotCompletedError(home, result.errors)

    def timed_update(self, home: Home, files: list[Path], settings_file: Path = DEFAULT_SETTINGS) -> float:
        """Return the seconds of an update over files that have just landed."""
        land(files, home)
        return seconds(lambda: self.update(home, settings_file))


class UpdateNotCompletedError(DataError):
    """An update that was to be measured failed."""

    def __init__(self, home: Home, errors: object) -> None:
        super().__init__(f"An update in {home.root} did not complete: {errors}.", "Repair it, then measure again.")


@contextmanager
def warm(scratch: Path, *, memory: str = "3g", thorough: bool = False) -> Iterator[Bench]:
    """Give a bench whose session has run an update already.

    Args:
        scratch: An empty folder or one that an earlier measurement of the same run has left.
        memory: The JVM's heap.
        thorough: Whether the JVM compiles for millions of rows rather than for a quick start.
    """
    settings = SparkSettings(driver_memory=memory, compiler="thorough" if thorough else "quick")
    bench = Bench(scratch, build_session(Home(scratch / "session"), settings), Stock(scratch / "readings"))
    (scratch / "readings").mkdir(parents=True, exist_ok=True)
    try:
        bench.timed_update(bench.home("warm-up"), bench.stock.of(_WARM_UP, files=2))
        yield bench
    finally:
        bench.spark.stop()
