"""Clocks and durations; no other module asks the machine for the time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pipeline.foundation.errors import AuthorError
from pipeline.foundation.shown import brief

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
# More would overflow a duration.
_MOST_DOUBLINGS = 30


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)  # noqa: TID251


class FixedClock:
    """A clock that does not move by itself; for replays and tests."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment to which it was set, aware and in UTC."""
        return self._moment

    def advance(self, by: timedelta) -> None:
        """Move the clock on by a duration, which may be negative."""
        self._moment += by


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as `90s`, `10m`, `6h` or `2d` names.

    Raises:
        AuthorError: The text is not a number followed by one of s, m, h, d, w.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        problem = f"`{brief(text)}` is not a duration."
        raise AuthorError(problem, "Write a number and a unit: 90s, 10m, 6h, 2d or 1w.")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def read_duration(value: object) -> object:
    """Return the duration in a text; anything else is left for the model to check.

    Raises:
        ValueError: The text is not a duration.
    """
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except AuthorError as error:
        raise ValueError(str(error)) from None


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment that a text names, aware and in UTC.

    Args:
        text: An ISO 8601 time (without an offset it is UTC), or a signed duration from now: `-6h`, `+5h`.
        now: The moment that a signed duration is relative to.

    Raises:
        AuthorError: The text is neither.
    """
    if text.startswith(("+", "-")):
        return now + parse_duration(text[1:]) * (-1 if text[0] == "-" else 1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problem = f"`{text}` is neither a time nor a signed duration."
        raise AuthorError(problem, "Write 2026-01-31T10:00:00Z, or -6h for six hours ago.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def wait_after(attempt: int, first: timedelta, longest: timedelta) -> timedelta:
    """Return how long to wait after a failed attempt: twice as long each time, up to a limit.

    Args:
        attempt: The number of the attempt that failed, counted from 1.
        first: The wait after the first attempt.
        longest: The limit.
    """
    doublings = min(attempt - 1, _MOST_DOUBLINGS)
    return min(longest, first * (1 << doublings))
