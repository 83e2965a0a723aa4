"""The acts on a running stack: its pipeline updates the tables by itself, and the acts follow the event log."""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from alerts.settings import read_settings
from demo.stage import Stage
from pipeline.drawing.terminal import TerminalGraph
from pipeline.events.history import Record
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.warehouse.hive import HiveWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from pipeline.events.summary import Summary
    from pipeline.home.places import Home
    from pipeline.warehouse.hive import Warehouse

STACK_VARIABLE = "STACK"
LONGEST_WAIT_SECONDS = 240
_LOOKS_PER_SECOND = 2
_UPDATES_LOOKED_AT = 50


class FilesNotReadError(EnvironmentFaultError):
    """The stack's pipeline does not read the landed files."""

    def __init__(self, files: int, seconds: int, errors: list[str]) -> None:
        because = f" Its last update says: {errors[0]}" if errors else ""
        problem = f"The stack's pipeline has not read {files} files within {seconds} s.{because}"
        super().__init__(problem, "Read `docker compose logs pipeline`.")


def open_stage(home: Home) -> Stage:
    """Return the stage that the environment asks for: a running stack with STACK=compose, else this process."""
    home.make_writable()
    return StackStage(home) if os.environ.get(STACK_VARIABLE) == "compose" else Stage(home)


class StackStage(Stage):
    """A stage where the stack's pipeline runs the updates, when files land.

    Args:
        home: The stack's lakehouse.
        console: Where the acts print. Defaults to the terminal.
        longest_wait_seconds: How long an act waits for files to be read.
    """

    updates_on_arrival = True
    python = "docker compose exec pipeline python"
    poller = "the service `alerts`"

    def __init__(
        self, home: Home, console: Console | None = None, longest_wait_seconds: int = LONGEST_WAIT_SECONDS
    ) -> None:
        super().__init__(home, console)
        self._longest_wait_seconds = longest_wait_seconds

    def update(self, files: Iterable[Path] = ()) -> Summary:
        """Wait until updates have read the files and ended, shown as they run, and return the last one's summary.

        Raises:
            FilesNotReadError: The files were not read in time.
        """
        wanted = list(files) or [Path(file.path) for file in self.waiting()]
        if not self.console.is_terminal:
            summary = self._followed(wanted)
            self.console.print(TerminalGraph(summary, self.clock.now()))
            return summary
        with Live(console=self.console, get_renderable=self._picture, refresh_per_second=_LOOKS_PER_SECOND):
            return self._followed(wanted)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The stack's SQL warehouse."""
        return HiveWarehouse(read_settings(self.home.root).warehouse_url)

    @cached_property
    def history(self) -> Record:
        """The updates in the event log."""
        return Record(self.home, self.settings.target_schema)

    def _followed(self, wanted: list[Path]) -> Summary:
        for _ in range(self._longest_wait_seconds * _LOOKS_PER_SECOND):
            read = self.read(wanted)
            if len(read) == len(wanted) and (done := self._completed({file.update_id for file in read})):
                return done
            time.sleep(1 / _LOOKS_PER_SECOND)
        newest = self.history.update()
        raise FilesNotReadError(len(wanted), self._longest_wait_seconds, newest.errors if newest else [])

    def _completed(self, readers: set[str | None]) -> Summary | None:
        """Return the first completed update that is not older than the last one that read the files.

        Without files this is the newest update, which may still be running. An update that was killed or failed does
        not count: the next one brings its rows to gold.
        """
        updates = self.history.updates(_UPDATES_LOOKED_AT)
        begun = [number for number, update in enumerate(updates) if update.update_id in readers]
        later = updates[: min(begun, default=0) + 1]
        return next((update for update in reversed(later) if update.state == "COMPLETED"), None)

    def _picture(self) -> TerminalGraph | str:
        newest = self.history.update()
        return "Waiting for the stack's update ..." if newest is None else TerminalGraph(newest, self.clock.now())
