from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.foundation.clock import FixedClock, SystemClock, parse_duration, parse_moment, wait_after
from pipeline.foundation.errors import AuthorError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_fixed_clock_moves_only_when_it_is_moved() -> None:
    clock = FixedClock(datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))))
    assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)
    clock.advance(timedelta(minutes=-5))
    assert clock.now() == NOON - timedelta(minutes=5)


def test_clock_of_the_machine_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        (" 1.5 h ", timedelta(hours=1.5)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_duration_is_a_number_with_a_unit(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "10", "m", "-1h", "1 month", "1h30m", "inf s"])
def test_duration_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AuthorError, match=r"is not a duration\. Write a number and a unit: 90s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T10:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("-6h", NOON - timedelta(hours=6)),
        ("+5m", NOON + timedelta(minutes=5)),
    ],
)
def test_moment_is_a_time_in_utc_or_relative_to_now(text: str, moment: datetime) -> None:
    found = parse_moment(text, NOON)
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.parametrize("text", ["", "noon", "6h", "2026-02-30T10:00"])
def test_moment_of_another_form_is_refused_with_examples(text: str) -> None:
    with pytest.raises(
        AuthorError, match=r"is neither a time nor a signed duration\. Write 2026-01-31T10:00:00Z, or -6h"
    ):
        parse_moment(text, NOON)


SECOND = timedelta(seconds=1)


def test_waits_double_up_to_the_longest() -> None:
    waits = [wait_after(attempt, SECOND, 5 * SECOND) for attempt in (1, 2, 3, 4, 5)]
    assert waits == [SECOND, 2 * SECOND, 4 * SECOND, 5 * SECOND, 5 * SECOND]


def test_wait_after_very_many_attempts_is_the_longest() -> None:
    assert wait_after(10_000, SECOND, timedelta(days=1)) == timedelta(days=1)
