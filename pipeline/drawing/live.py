"""The graph of a running update in the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live

from pipeline.drawing.terminal import TerminalGraph, open_console
from pipeline.events.summary import Summary
from pipeline.foundation.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from pipeline.events.event import Event
    from pipeline.events.log import EventLog

_PICTURES_PER_SECOND = 8


@contextmanager
def watching(
    log: EventLog, *, quiet: bool = False, console: Console | None = None, clock: Clock | None = None
) -> Iterator[Summary]:
    """Show an update's graph while it runs, and leave its final state on the screen.

    A terminal shows the graph live. Elsewhere, a line is printed for each flow that ends, and the graph at the end.

    Yields:
        The summary, which follows the log.
    """
    summary = Summary()
    log.listen(summary.take)
    console, time = console or open_console(quiet=quiet), clock or SystemClock()

    def picture() -> TerminalGraph:
        return TerminalGraph(summary, time.now())

    if not console.is_terminal:
        log.listen(lambda event: _print_line(console, summary, event))
        yield summary
        console.print(picture())
        return
    with Live(console=console, refresh_per_second=_PICTURES_PER_SECOND, get_renderable=picture):
        yield summary


def _print_line(console: Console, summary: Summary, event: Event) -> None:
    if event.event_type == "update_progress":
        console.print(event.message, markup=False, highlight=False)
    elif event.event_type == "flow_progress" and event.details["status"] in {"COMPLETED", "FAILED", "SKIPPED"}:
        table = summary.tables[event.origin.dataset_name or ""]
        counts = (
            f"{table.rows_in:,} in, {table.rows_written:,} written, "
            f"{table.rows_dropped:,} dropped, {table.rows_warned:,} warned"
        )
        console.print(f"{table.name}: {table.status}: {counts}", markup=False, highlight=False)
