"""Measures seconds, and runs rivals in turn."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(job: Callable[[], object]) -> float:
    """Return how many seconds a job takes."""
    gc.collect()
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def alternating(runs: int, *jobs: Callable[[int], float]) -> list[list[float]]:
    """Return each job's seconds in every round; the order of the jobs reverses from round to round.

    Args:
        runs: How many rounds.
        jobs: Each is given the number of its round and returns the seconds it took.
    """
    taken: list[list[float]] = [[] for _ in jobs]
    for number in range(runs):
        order = list(enumerate(jobs))
        for index, job in order if number % 2 == 0 else reversed(order):
            taken[index].append(job(number))
    return taken
