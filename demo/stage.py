"""What the acts play on: one home, one clock, one Spark session, and the console."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from generators.landing import SENSOR_READINGS
from generators.plant import Plant
from pipeline.delta.description import DeltaReader
from pipeline.delta.table import Table
from pipeline.drawing.live import watching
from pipeline.drawing.terminal import SafeConsole
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import DataError, PipelineBusyError
from pipeline.home.lock import exclusive
from pipeline.ingest.inventory import inventories
from pipeline.quality.tables.table_judge import TableJudge
from pipeline.settings import load_settings
from pipeline.spark.session import build_session
from pipeline.update.update import Update
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession
    from rich.console import Console

    from pipeline.events.summary import Summary
    from pipeline.home.places import Home
    from pipeline.ingest.file_state import FileRecord
    from pipeline.settings import Settings
    from pipeline.warehouse.hive import Warehouse

BRONZE = "bronze_sensor_readings"
SILVER = "silver_cleaned_sensors"
QUARANTINE = "silver_quarantined_sensors"
GOLD = "gold_hourly_device_summary"
DEVICE_STATUS = "gold_device_status"
TABLES = (BRONZE, SILVER, QUARANTINE, GOLD, DEVICE_STATUS)
_ATTEMPTS_TO_LOCK = 120
_PAUSE_SECONDS = 0.5


class PointNotShownError(DataError):
    """An act did not show what it promised."""

    def __init__(self, point: str) -> None:
        super().__init__(f"The demo's point does not hold: {point}.", "Run `make reset` and the act again.")


class Stage:
    """Runs updates and prints what happens. Spark starts with the first update and stays.

    Attributes:
        updates_on_arrival: Whether another process updates the tables as soon as files land.
        judge: Validates whole tables after each update; the creator of the stage closes it.
        python: What a user types before `-m`.
        poller: What evaluates alerts in parallel with the acts.
    """

    updates_on_arrival = False
    python = ".venv/bin/python"
    poller = "`make alerts`"

    def __init__(self, home: Home, console: Console | None = None) -> None:
        self.home = home
        self.console = console or SafeConsole()
        self.clock = SystemClock()
        self.settings: Settings = load_settings()
        self.judge = TableJudge(home, self.settings.expectations, lambda: self.session)
        self.points = 0

    @property
    def plant(self) -> Plant:
        """The plant that lands files in this home."""
        return Plant(self.home.landing_of(SENSOR_READINGS), self.clock)

    @cached_property
    def session(self) -> SparkSession:
        """The Spark session that all acts share."""
        with self.console.status("Starting Spark ..."):
            return build_session(self.home, self.settings.spark)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The SQL warehouse, embedded in that session with the same gates as the service."""
        return EmbeddedWarehouse(self.session, self.home, self.settings, lambda complaint: self.say(escape(complaint)))

    def say(self, text: str) -> None:
        """Print a text."""
        self.console.print(text, highlight=False)

    def headline(self, title: str) -> None:
        """Print an act's title."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left")

    def update(self, files: Iterable[Path] = ()) -> Summary:
        """Run one triggered update, shown as it runs, and return its summary.

        Args:
            files: Files that must have been read afterwards. By default those that wait now.

        Raises:
            LakehouseError: The update failed.
            PointNotShownError: The update left one of the files waiting.
        """
        update = Update(
            self.home, self.settings, self.clock, lambda: self.session, cause="USER_ACTION", judge=self.judge
        )
        with watching(update.log, console=self.console) as summary:
            result = update.run()
        for error in result.errors.values():
            raise error
        if result.state == "CANCELED":
            raise KeyboardInterrupt
        wanted = list(files)
        if len(self.read(wanted)) < len(wanted):
            point = "the update reads every file that waits"
            raise PointNotShownError(point)
        return summary

    def check(self, holds: object, point: str) -> None:
        """Print that a point holds.

        Raises:
            PointNotShownError: It does not.
        """
        if not holds:
            raise PointNotShownError(point)
        self.points += 1
        self.console.print(f"  [green]✔[/] {point}", highlight=False)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Prevent updates inside the block, so that all tables are counted at the same moment.

        Raises:
            PipelineBusyError: A running update does not end within a minute.
        """
        for attempt in range(_ATTEMPTS_TO_LOCK):
            try:
                with exclusive(self.home, self.clock, "count by the demo"):
                    yield
                    return
            except PipelineBusyError:
                if attempt == _ATTEMPTS_TO_LOCK - 1:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def files(self) -> list[FileRecord]:
        """Return every landed file with its state."""
        return inventories(self.home, self.settings)[BRONZE]

    def read(self, files: Iterable[Path]) -> list[FileRecord]:
        """Return the records of the given files, without those that are still waiting."""
        wanted = {str(file) for file in files}
        return [file for file in self.files() if file.path in wanted and file.state != "waiting"] if wanted else []

    def rows_by_file(self) -> dict[str, int]:
        """Return how many rows of bronze came from each file."""
        counts = self.frame(BRONZE, ["source_file"])["source_file"].value_counts().to_pylist()
        return {row["values"]: row["counts"] for row in counts}

    def waiting(self) -> list[FileRecord]:
        """Return the files that no update has read."""
        return [file for file in self.files() if file.state == "waiting"]

    def rows(self, table: str) -> int:
        """Return a table's number of rows."""
        return Table(self.home.table(self.settings.target_schema, table).data).row_count()

    def frame(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """Return a table's rows, read without Spark."""
        path = self.home.table(self.settings.target_schema, table).data
        return Table(path).rows(columns)

    def columns(self, table: str) -> list[str]:
        """Return a table's columns; an empty list if there is no table."""
        path = self.home.table(self.settings.target_schema, table).data
        return [str(column["name"]) for column in DeltaReader(path).columns()]

    def events(self) -> list[dict[str, Any]]:
        """Return every event of the log, oldest first."""
        place = Table(self.home.schema(self.settings.target_schema).event_log)
        if not place.exists:
            return []
        rows: list[dict[str, Any]] = place.rows().sort_by("sequence").to_pylist()
        return rows
