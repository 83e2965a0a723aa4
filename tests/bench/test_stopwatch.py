"""Alternating runs of rivals."""

from __future__ import annotations

from bench.stopwatch import alternating


def test_alternating_runs_reverse_their_order_and_return_the_seconds_of_each_rival() -> None:
    order: list[str] = []

    def job(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    ours, theirs = alternating(3, lambda number: job("ours", number), lambda number: job("theirs", number + 0.5))
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert (ours, theirs) == ([0, 1, 2], [0.5, 1.5, 2.5])
