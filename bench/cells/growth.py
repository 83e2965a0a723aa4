"""A small update on large tables, and many small files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bench.lake import warm
from bench.readings import NEWEST
from bench.result import Result
from bench.size import label
from bench.stopwatch import alternating

if TYPE_CHECKING:
    from pathlib import Path

    from bench.size import Size

GROWTH_TARGET = 1.2
SMALL_FILES_TARGET = 3.0
_NEW_READINGS = 10_000
_READINGS_A_SMALL_FILE = 20
_FILES_INSTEAD = 100


def on_large_tables(size: Size, scratch: Path) -> list[Result]:
    """Measure an update of 10,000 new readings on small and on large tables."""
    taken: dict[int, list[float]] = {}
    with warm(scratch, size) as bench:
        for readings in size.history:
            home = bench.home(f"history-{readings}")
            bench.timed_update(home, bench.stock.of(readings))
            new = [
                bench.stock.of(_NEW_READINGS, files=5, newest=NEWEST - timedelta(minutes=number))
                for number in range(size.warm_ups + size.runs(_NEW_READINGS))
            ]
            # The first update after a large batch pays for the state that the batch left behind.
            taken[readings] = [bench.timed_update(home, files) for files in new][size.warm_ups :]
    least = size.history[0]
    rival = f"itself at {label(least)}"
    return [
        Result.of(
            f"update_at_{label(readings)}", taken[readings], rival=rival, theirs=taken[least], target=GROWTH_TARGET
        )
        for readings in size.history[1:]
    ]


def of_small_files(size: Size, scratch: Path) -> list[Result]:
    """Measure an update over thousands of small files against the same readings in a hundred."""
    readings = size.small_files * _READINGS_A_SMALL_FILE
    with warm(scratch, size, compiler="quick") as bench:
        small = bench.stock.of(readings, files=size.small_files)
        few = bench.stock.of(readings, files=_FILES_INSTEAD)
        ours, theirs = alternating(
            size.runs(10 * readings),
            lambda number: bench.timed_update(bench.home(f"small-{number}"), small),
            lambda number: bench.timed_update(bench.home(f"few-{number}"), few),
        )
    rival = f"the same readings in {_FILES_INSTEAD} files"
    name = f"small_files_{label(size.small_files)}"
    return [Result.of(name, ours, rival=rival, theirs=theirs, target=SMALL_FILES_TARGET)]
