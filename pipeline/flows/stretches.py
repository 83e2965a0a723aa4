"""Stretches of time, in which a view looks for the rows of the windows that a batch touches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.flow import moment
from pipeline.plans.windows import UTC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import Column

    from pipeline.plans.windows import Window

# So many separate stretches of time are looked up by themselves; more are joined across the smallest gaps.
_MOST_STRETCHES = 32

Stretch = tuple["datetime", "datetime"]


def stretches(starts: list[datetime], length: timedelta, most: int = _MOST_STRETCHES) -> list[Stretch]:
    """Return the time that windows cover as few stretches `[from, to)`, in order.

    Adjacent windows are joined; if more than `most` stretches remain, the smallest gaps are taken in.
    """
    joined: list[Stretch] = []
    for start in sorted(starts):
        if joined and joined[-1][1] >= start:
            joined[-1] = (joined[-1][0], max(joined[-1][1], start + length))
        else:
            joined.append((start, start + length))
    while len(joined) > most:
        gap = min(range(1, len(joined)), key=lambda index: joined[index][0] - joined[index - 1][1])
        joined[gap - 1 : gap + 1] = [(joined[gap - 1][0], joined[gap][1])]
    return joined


def by_utc(touched: list[Stretch], window: Window) -> list[Stretch]:
    """Return stretches in which the moments lie whose local times lie in some stretches; they may be wider."""
    margin = timedelta(days=1) if window.zone != UTC else timedelta(0)
    return [(first - margin, last + margin) for first, last in touched]


def within_stretches(column: Column, touched: Sequence[Stretch]) -> Column:
    """Return whether a column's moment is in one of some stretches."""
    condition = F.lit(False)
    for first, last in touched:
        condition = condition | ((column >= F.expr(moment(first))) & (column < F.expr(moment(last))))
    return condition
