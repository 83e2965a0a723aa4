"""How much is measured, in a full and in a quick run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Numbers of readings, files and repetitions.

    Attributes:
        large: Readings of the whole pipeline's measurements, one measurement each.
        history: Readings that the tables hold already when a small update is measured.
        small_files: How many small files wait.
        rules_readings: Readings that differently many rules judge.
        stream_seconds: How long the continuous pipeline is watched.
        warm_ups: How often something is done before it is measured.
        quick: Whether the times say little, and what they rest on may be left out.
        most_runs: How often anything is repeated at most.
    """

    large: tuple[int, ...]
    history: tuple[int, ...]
    small_files: int
    rules_readings: int
    stream_seconds: int
    warm_ups: int = 1
    quick: bool = False
    most_runs: int = 5

    def runs(self, readings: int) -> int:
        """Return how often a measurement with this many readings is repeated."""
        return min(5 if readings <= MANY else 3, self.most_runs)


MANY = 2_000_000
FULL = Size(
    large=(2_000_000, 20_000_000),
    history=(100_000, 1_000_000, 10_000_000),
    small_files=10_000,
    rules_readings=1_000_000,
    stream_seconds=300,
)
QUICK = Size(
    large=(20_000,),
    history=(5_000, 10_000),
    small_files=200,
    rules_readings=10_000,
    stream_seconds=5,
    warm_ups=0,
    quick=True,
    most_runs=1,
)


def label(readings: int) -> str:
    """Return a number of readings as it appears in names: `500`, `100k`, `2m`."""
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if readings >= unit and readings % unit == 0:
            return f"{readings // unit}{letter}"
    return str(readings)
