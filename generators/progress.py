"""A progress bar for what takes longer than a moment."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generators.landed import Watcher
    from pipeline.clock import Clock

PATIENCE = timedelta(seconds=1)


@contextmanager
def progress_bar(description: str, clock: Clock, console: Console | None = None) -> Iterator[Watcher]:
    """Show a bar on stderr once the block runs longer than a second; only in a terminal.

    Yields:
        What to tell after each file how many are landed, and of how many.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} files"),
        TimeElapsedColumn(),
        console=console or Console(stderr=True),
        transient=True,
    )
    task = progress.add_task(description, total=None)
    begin = clock.now()

    def watch(landed: int, total: int | None) -> None:
        if not progress.console.is_terminal or clock.now() - begin < PATIENCE:
            return
        if not progress.live.is_started:
            progress.start()
        progress.update(task, completed=landed, total=total)

    try:
        yield watch
    finally:
        # Stopping a bar that was never shown would print an empty line.
        if progress.live.is_started:
            progress.stop()
