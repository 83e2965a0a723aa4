from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.flows.view import stretches

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "most", "expected"),
    [
        pytest.param([], 3, [], id="none"),
        pytest.param([5], 3, [(5, 6)], id="one"),
        pytest.param([7, 5, 6], 3, [(5, 8)], id="adjacent_in_any_order"),
        pytest.param([1, 1, 3], 3, [(1, 2), (3, 4)], id="twice_the_same"),
        pytest.param([0, 5, 7, 20], 3, [(0, 1), (5, 8), (20, 21)], id="smallest_gap_joined"),
        pytest.param([0, 5, 20], 1, [(0, 21)], id="all_joined"),
    ],
)
def test_windows_become_few_stretches_that_hold_all_of_them(
    hours: list[int], most: int, expected: list[tuple[int, int]]
) -> None:
    found = stretches([MIDNIGHT + hour * HOUR for hour in hours], HOUR, most)
    assert found == [(MIDNIGHT + first * HOUR, MIDNIGHT + last * HOUR) for first, last in expected]
