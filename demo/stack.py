"""The acts on a running stack: its pipeline updates by itself, the acts follow through the event log."""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from alerts.settings import read_settings
from alerts.warehouse import HiveWarehouse
from demo.stage import Stage
from pipeline.drawing.terminal import TerminalGraph
from pipeline.errors import EnvironmentFaultError
from pipeline.record.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.warehouse import Warehouse
    from pipeline.summary import Summary

STACK_VARIABLE = "STACK"
_LOOKS_A_SECOND = 2
_LONGEST_WAIT_SECONDS = 240
_UPDATES_LOOKED_AT = 50


class FilesNotReadError(EnvironmentFaultError):
    """The stack's pipeline does not read what has landed."""

    def __init__(self, files: list[str], errors: list[str]) -> None:
        because = f" Its newest update says: {errors[0]}" if errors else ""
        problem = f"The stack's pipeline has not read {len(files)} files within {_LONGEST_WAIT_SECONDS} s.{because}"
        super().__init__(problem, "Read `docker compose logs pipeline`.")


def plays_on_a_stack() -> bool:
    """Tell whether the environment says that the acts play on a running stack."""
    return os.environ.get(STACK_VARIABLE) == "compose"


class StackStage(Stage):
    """A stage whose updates are those of the stack's pipeline, started by the files that land."""

    updates_on_arrival = True
    python = "docker compose exec pipeline python"
    poller = "the service `alerts`"

    def update(self, files: Iterable[Path] = ()) -> Summary:
        """Wait until updates have read the files and ended, shown as they go, and return what the last one did.

        Raises:
            FilesNotReadError: They are not read.
        """
        wanted = list(files) or [Path(file.path) for file in self.waiting()]
        if not self.console.is_terminal:
            summary = self._followed(wanted)
            self.console.print(TerminalGraph(summary, self.clock.now()))
            return summary
        with Live(console=self.console, get_renderable=self._picture, refresh_per_second=_LOOKS_A_SECOND):
            return self._followed(wanted)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The stack's SQL warehouse."""
        return HiveWarehouse(read_settings(self.home.root).warehouse_url)

    @cached_property
    def _record(self) -> Record:
        return Record(self.home, self.settings.target_schema)

    def _followed(self, wanted: list[Path]) -> Summary:
        for _ in range(_LONGEST_WAIT_SECONDS * _LOOKS_A_SECOND):
            read = self.read(wanted)
            if len(read) == len(wanted) and (done := self._completed({file.update_id for file in read})):
                return done
            time.sleep(1 / _LOOKS_A_SECOND)
        newest = self._record.update()
        raise FilesNotReadError([str(path) for path in wanted], newest.errors if newest else [])

    def _completed(self, readers: set[str | None]) -> Summary | None:
        """Return the first update that came to its end after those that read the files, or as the last of them.

        Without files that is the newest one, which may have read them a moment ago and still be at it.
        One that was killed or failed on the way is no end: the next one takes its rows to gold.
        """
        updates = self._record.updates(_UPDATES_LOOKED_AT)
        begun = [number for number, update in enumerate(updates) if update.update_id in readers]
        later = updates[: min(begun, default=0) + 1]
        return next((update for update in reversed(later) if update.state == "COMPLETED"), None)

    def _picture(self) -> TerminalGraph | str:
        newest = self._record.update()
        return "Waiting for the stack's update ..." if newest is None else TerminalGraph(newest, self.clock.now())
