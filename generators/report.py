"""The output of the commands."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from generators.readings import HOT_ABOVE_CELSIUS, Landed, OnFile
from pipeline.commands.output import count_of, print_table
from pipeline.foundation.shown import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generators.faults import Fault
    from pipeline.foundation.clock import Clock

PATIENCE = timedelta(seconds=1)


@contextmanager
def progress_bar(description: str, clock: Clock, console: Console | None = None) -> Iterator[OnFile]:
    """Show a bar on stderr when the block takes longer than a second; only in a terminal.

    Yields:
        The function to call after each file with the number of files landed, and with their total number.
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

    def on_file(landed: int, total: int | None) -> None:
        if not progress.console.is_terminal or clock.now() - begin < PATIENCE:
            return
        if not progress.live.is_started:
            progress.start()
        progress.update(task, completed=landed, total=total)

    try:
        yield on_file
    finally:
        # Stopping a bar that was never started would print an empty line.
        if progress.live.is_started:
            progress.stop()


def landed_facts(scenario: str, folder: Path, landed: Landed) -> dict[str, Any]:
    """Return what a scenario landed, for `--json`; the counts are the truth about the files."""
    return {
        "scenario": scenario,
        "folder": str(folder),
        "files": [path.name for path in landed.files],
        **asdict(landed.counts),
    }


def landed_line(scenario: str, folder: Path, landed: Landed) -> str:
    """Return what a scenario landed, as a sentence."""
    return (
        f"{scenario}: {count_of(len(landed.files), 'file')}, {count_of(landed.readings, 'reading')} "
        f"({landed.anomalous:,} anomalous, {landed.hot:,} over {HOT_ABOVE_CELSIUS:g} °C, "
        f"{landed.missing_device_id:,} without device_id) in {folder}"
    )


def fault_facts(folder: Path, faults: list[tuple[Fault, Path]]) -> dict[str, Any]:
    """Return the faults that were landed, or changed afterwards, for `--json`."""
    return {
        "scenario": "faults",
        "folder": str(folder),
        "files": [path.name for _, path in faults],
        "faults": [
            {
                "name": fault.name,
                "description": fault.description,
                "file": path.name,
                "good_records": fault.good_records,
                "corrupt_records": fault.corrupt_records,
                "violates": fault.violates,
                "sets_aside": fault.sets_aside,
            }
            for fault, path in faults
        ],
    }


def print_faults(folder: Path, faults: list[tuple[Fault, Path]]) -> None:
    """Print the faults that were landed, or changed afterwards."""
    print_table("", ("fault", "what it is"), ([fault.name, fault.description] for fault, _ in faults))
    say(f"faults: {count_of(len(faults), 'file')} in {folder}")
