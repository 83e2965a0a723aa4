"""Runs of rivals in turn."""

from __future__ import annotations

from bench.stopwatch import alternating


def test_alternating_runs_turn_their_order_round_and_keep_each_rival_its_seconds() -> None:
    order: list[str] = []

    def job(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    ours, theirs = alternating(3, lambda number: job("ours", number), lambda number: job("theirs", number + 0.5))
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert (ours, theirs) == ([0, 1, 2], [0.5, 1.5, 2.5])
