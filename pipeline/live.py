"""The update as it goes, in the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table

from pipeline.console import open_console
from pipeline.summary import Summary, TableProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from pipeline.event_log import Event, EventLog

# A mark for each state as well as a colour: not everybody sees red.
_MARKS = {
    "QUEUED": ("·", "dim"),
    "STARTING": ("▸", "cyan"),
    "RUNNING": ("▸", "cyan"),
    "COMPLETED": ("✔", "green"),
    "FAILED": ("✘ FAILED", "bold red"),
    "SKIPPED": ("⊘ SKIPPED", "yellow"),
    "EXCLUDED": ("-", "dim"),
    "STOPPED": ("■ STOPPED", "yellow"),
}


@contextmanager
def watching(log: EventLog, *, quiet: bool = False, console: Console | None = None) -> Iterator[Summary]:
    """Show an update's tables while it runs, and at its end a table of what each did.

    In a terminal the table moves; elsewhere a line is printed for each flow that ends.

    Yields:
        The summary, which follows the log.
    """
    summary = Summary()
    log.listen(summary.take)
    console = console or open_console(quiet=quiet)
    if not console.is_terminal:
        log.listen(lambda event: _print_line(console, summary, event))
        yield summary
        console.print(update_table(summary))
        return
    with Live(console=console, refresh_per_second=4, get_renderable=lambda: update_table(summary)):
        yield summary


def update_table(summary: Summary) -> Table:
    """Return what each table has read, written, dropped and warned of, and each expectation's counts."""
    table = Table(title=f"Update {summary.state}", title_justify="left", header_style="bold")
    table.add_column("table", no_wrap=True)
    table.add_column("state")
    for heading in ("rows in", "written", "dropped", "warned"):
        table.add_column(heading, justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("remarks")
    for progress in summary.tables.values():
        if progress.kind == "temporary_view":
            continue
        mark, style = _MARKS.get(progress.status, (progress.status, ""))
        table.add_row(
            progress.name,
            f"[{style}]{mark}[/]" if style else mark,
            f"{progress.rows_in:,}",
            f"{progress.rows_written:,}",
            f"{progress.rows_dropped:,}",
            f"{progress.rows_warned:,}",
            _seconds(progress),
            "; ".join(progress.notes) or progress.error or "",
        )
        for rule, action in progress.actions.items():
            failed = progress.failed.get(rule, 0)
            verdict = f"{progress.passed.get(rule, 0):,} passed, {failed:,} failed"
            table.add_row(f"  {rule}", f"[dim]{action}[/]", "", "", "", "", "", verdict, style="" if failed else "dim")
    return table


def _seconds(progress: TableProgress) -> str:
    if progress.started_at is None or progress.ended_at is None:
        return ""
    return f"{(progress.ended_at - progress.started_at).total_seconds():.1f}"


def _print_line(console: Console, summary: Summary, event: Event) -> None:
    if event.event_type == "update_progress":
        console.print(event.message, markup=False, highlight=False)
    elif event.event_type == "flow_progress" and event.details["status"] in {
        "COMPLETED",
        "FAILED",
        "SKIPPED",
    }:
        progress = summary.tables[event.origin.dataset_name or ""]
        counts = f"{progress.rows_in:,} in, {progress.rows_written:,} written, {progress.rows_dropped:,} dropped"
        console.print(f"{progress.name}: {event.details['status']}: {counts}", markup=False, highlight=False)
