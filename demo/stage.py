"""What the acts are played on: one home, one clock, one session, and a voice."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable
from rich.console import Console
from rich.markup import escape

from generators.plant import Plant
from pipeline.arrow import arrow_dataset
from pipeline.clock import SystemClock
from pipeline.errors import DataError, PipelineBusyError
from pipeline.ingest.inventory import inventories
from pipeline.live import watching
from pipeline.lock import exclusive
from pipeline.quality.table_judge import TableJudge
from pipeline.session import build_session
from pipeline.settings import load_settings
from pipeline.tables import Table
from pipeline.update import Update
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from alerts.warehouse import Warehouse
    from pipeline.home import Home
    from pipeline.ingest.file_state import FileRecord
    from pipeline.settings import Settings
    from pipeline.summary import Summary

BRONZE = "bronze_sensor_readings"
SILVER = "silver_cleaned_sensors"
QUARANTINE = "silver_quarantined_sensors"
GOLD = "gold_hourly_device_summary"
_ATTEMPTS_TO_HOLD = 120
_PAUSE_SECONDS = 0.5
TABLES = (BRONZE, SILVER, QUARANTINE, GOLD)


class PointNotShownError(DataError):
    """An act did not show what it promised."""

    def __init__(self, point: str) -> None:
        super().__init__(f"The demo's point does not hold: {point}.", "Run `make reset` and the act again.")


class Stage:
    """Plays updates and says what happens; Spark starts with the first update and stays.

    Attributes:
        updates_on_arrival: Somebody else's updates read files as soon as they land.
        judge: Judges whole tables after each update; whoever has the stage closes it.
        python: What a person types before `-m`.
        poller: What evaluates alerts beside the acts.
    """

    updates_on_arrival = False
    python = ".venv/bin/python"
    poller = "`make alerts`"

    def __init__(self, home: Home, console: Console | None = None) -> None:
        self.home = home
        self.console = console or Console()
        self.clock = SystemClock()
        self.settings: Settings = load_settings()
        self.judge = TableJudge(home, self.settings.expectations, lambda: self.session)
        self.points = 0

    @property
    def plant(self) -> Plant:
        """The plant that lands files in this home."""
        return Plant(self.home.landing / "sensor_readings", self.clock)

    @cached_property
    def session(self) -> SparkSession:
        """The Spark session that all acts share."""
        with self.console.status("Starting Spark ..."):
            return build_session(self.home, self.settings.spark)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The SQL warehouse inside that session, with the gates it has as a service."""
        return EmbeddedWarehouse(self.session, self.home, self.settings, lambda complaint: self.say(escape(complaint)))

    def say(self, text: str) -> None:
        """Say a line or two."""
        self.console.print(text, highlight=False)

    def headline(self, title: str) -> None:
        """Open an act."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left")

    def update(self, files: Iterable[Path] = ()) -> Summary:
        """Run one triggered update, shown as it goes, and return what it did.

        Args:
            files: What it has to have read; without any, what waits now.

        Raises:
            LakehouseError: The update failed.
        """
        del files  # An update of its own reads all that waits.
        update = Update(
            self.home, self.settings, self.clock, lambda: self.session, cause="USER_ACTION", judge=self.judge
        )
        with watching(update.log, console=self.console) as summary:
            result = update.run()
        for error in result.errors.values():
            raise error
        if result.state == "CANCELED":
            raise KeyboardInterrupt
        return summary

    def check(self, holds: object, point: str) -> None:
        """Say that a point holds.

        Raises:
            PointNotShownError: It does not.
        """
        if not holds:
            raise PointNotShownError(point)
        self.points += 1
        self.console.print(f"  [green]✔[/] {point}", highlight=False)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Hold updates back inside the block, so that all tables are counted at one moment.

        Raises:
            PipelineBusyError: An update does not end.
        """
        for attempt in range(_ATTEMPTS_TO_HOLD):
            try:
                with exclusive(self.home, self.clock, "count by the demo"):
                    yield
                    return
            except PipelineBusyError:
                if attempt == _ATTEMPTS_TO_HOLD - 1:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def files(self) -> list[FileRecord]:
        """Return every landed file with its state."""
        return inventories(self.home, self.settings)[BRONZE]

    def read(self, files: Iterable[Path]) -> list[FileRecord]:
        """Return what became of some files, those that wait left out."""
        wanted = {str(file) for file in files}
        return [file for file in self.files() if file.path in wanted and file.state != "waiting"]

    def rows_by_file(self) -> dict[str, int]:
        """Return how many rows of bronze came from each file."""
        counts = self.frame(BRONZE, ["source_file"])["source_file"].value_counts().to_pylist()
        return {row["values"]: row["counts"] for row in counts}

    def waiting(self) -> list[FileRecord]:
        """Return the files that no update has read."""
        return [file for file in self.files() if file.state == "waiting"]

    def rows(self, table: str) -> int:
        """Return how many rows a table holds."""
        return Table(self.home.schema(self.settings.target_schema) / table).row_count()

    def frame(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """Return a table's rows, read without Spark; empty where there is no table."""
        path = self.home.schema(self.settings.target_schema) / table
        return arrow_dataset(DeltaTable(path)).to_table(columns)

    def columns(self, table: str) -> list[str]:
        """Return a table's columns, none where there is no table."""
        place = Table(self.home.schema(self.settings.target_schema) / table)
        return [field.name for field in DeltaTable(place.path).schema().fields] if place.exists else []

    def events(self) -> list[dict[str, Any]]:
        """Return every event of the log, oldest first."""
        place = Table(self.home.schema(self.settings.target_schema) / "event_log")
        if not place.exists:
            return []
        rows: list[dict[str, Any]] = arrow_dataset(DeltaTable(place.path)).to_table().sort_by("sequence").to_pylist()
        return rows
