"""How a command runs one update, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline.foundation.shown import say
from pipeline.foundation.stop import stop_by_signal

if TYPE_CHECKING:
    from pipeline.selection import Selection
    from pipeline.update.result import UpdateResult
    from pipeline.update.update import Update

_CANCELED = 130


def run_until_signal(update: Update, selection: Selection) -> UpdateResult:
    """Run an update; a process manager's SIGTERM cancels it, as Ctrl-C does."""
    with stop_by_signal(interrupt=True):
        return update.run(selection)


def print_errors(result: UpdateResult) -> None:
    """Print each table's error to standard error."""
    for table, error in result.errors.items():
        say(f"{table}: {error}", err=True)


def exit_unless_completed(result: UpdateResult) -> None:
    """End the command with 130 after a canceled update and with 1 after a failed one."""
    if result.state != "COMPLETED":
        raise typer.Exit(_CANCELED if result.state == "CANCELED" else 1)
