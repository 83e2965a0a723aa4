"""Lakehouses that a measurement fills, and a warm session."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.readings import NEWEST, Stock, land
from bench.stopwatch import seconds
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import DataError
from pipeline.home.places import Home
from pipeline.quality.tables.table_judge import TableJudge
from pipeline.settings import DEFAULT_SETTINGS, load_settings
from pipeline.spark.session import build_session
from pipeline.spark_settings import SparkSettings
from pipeline.update.update import Update

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from bench.size import Size
    from pipeline.settings import Settings

_WARM_UP = 2_000


@dataclass(frozen=True)
class Bench:
    """A scratch folder, a warm session, and readings to fill homes with.

    Attributes:
        judge: Great Expectations, as a page keeps it; None in a hurry, where no table is judged as a whole.
    """

    scratch: Path
    spark: SparkSession
    stock: Stock
    judge: TableJudge | None

    def home(self, name: str) -> Home:
        """Return an empty home of this name."""
        root = self.scratch / "homes" / name
        shutil.rmtree(root, ignore_errors=True)
        return Home(root)

    def update(self, home: Home, settings_file: Path = DEFAULT_SETTINGS) -> None:
        """Run one update in the warm session.

        Raises:
            UpdateNotCompletedError: It did not complete; its time would say nothing.
        """
        settings: Settings = load_settings(settings_file)
        if self.judge is None:
            settings = settings.model_copy(update={"table_expectations": "on_request"})
        # The judge knows only the shipped suites; other measured pipelines have no expectations of whole tables.
        judge = self.judge if settings_file == DEFAULT_SETTINGS else None
        clock = FixedClock(NEWEST)
        result = Update(home, settings, clock, lambda: self.spark, cause="BENCHMARK", judge=judge).run()
        if result.state != "COMPLETED":
            raise UpdateNotCompletedError(home, result.errors)

    def timed_update(self, home: Home, files: list[Path], settings_file: Path = DEFAULT_SETTINGS) -> float:
        """Return how many seconds an update over newly landed files takes."""
        land(files, home)
        return seconds(lambda: self.update(home, settings_file))


class UpdateNotCompletedError(DataError):
    """A measured update failed."""

    def __init__(self, home: Home, errors: object) -> None:
        super().__init__(f"An update in {home.root} did not complete: {errors}.", "Repair it, then measure again.")


@contextmanager
def warm(
    scratch: Path, size: Size, *, compiler: Literal["quick", "thorough"] = "thorough", master: str = "local[*]"
) -> Iterator[Bench]:
    """Yield a bench whose session has already run an update; in a quick run, one that has run none.

    Args:
        scratch: An empty folder or one that an earlier measurement of the same run has left.
        size: How much is measured.
        master: Where tasks run; on a cluster, in executors of one core.
        compiler: Whether the JVM compiles for millions of rows or for a quick start; in a hurry always the latter.
    """
    settings = SparkSettings(compiler="quick" if size.quick else compiler, master=master, executor_cores=1)
    session = Home(scratch / "session")
    spark = build_session(session, settings)
    judge = None if size.quick else TableJudge(session, load_settings().expectations, lambda: spark)
    bench = Bench(scratch, spark, Stock(scratch / "readings"), judge)
    (scratch / "readings").mkdir(parents=True, exist_ok=True)
    try:
        for _ in range(size.warm_ups):
            bench.timed_update(bench.home("warm-up"), bench.stock.of(_WARM_UP, files=2))
        yield bench
    finally:
        if judge is not None:
            judge.close()
        if not size.quick:
            # In a quick run the next measurement reuses the session.
            spark.stop()
