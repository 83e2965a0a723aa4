"""How many readings a stream sends at which time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.foundation.errors import AuthorError


@dataclass(frozen=True)
class Pace:
    """A steady rate from a starting time on. It holds on average, however late the clock is read.

    Attributes:
        rate: Readings per second, 0 or more.
        interval: The time from one file to the next.
        begin: When the stream began.
        duration: When it ends, counted from its beginning; None for never.
    """

    rate: float
    interval: timedelta
    begin: datetime
    duration: timedelta | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate < math.inf:
            problem = f"The rate must be 0 or more readings per second; got {self.rate}."
            raise AuthorError(problem, "Correct --rate.")
        if self.interval <= timedelta():
            problem = "The interval between files must be longer than 0s."
            raise AuthorError(problem, "Correct --interval, for example 1s.")

    def elapsed(self, now: datetime) -> timedelta:
        """Return how long the stream has been running, at most its duration."""
        elapsed = now - self.begin
        return elapsed if self.duration is None else min(elapsed, self.duration)

    def is_over(self, now: datetime) -> bool:
        """Return whether the stream's duration is over."""
        return self.duration is not None and now - self.begin >= self.duration

    def interval_number(self, now: datetime) -> int:
        """Return how many whole intervals have passed."""
        return self.elapsed(now) // self.interval

    def due(self, now: datetime, sent: int) -> int:
        """Return how many readings are still to be sent by this moment; 0 if the stream is ahead."""
        return max(int(self.elapsed(now).total_seconds() * self.rate) - sent, 0)

    def wait(self, now: datetime) -> timedelta:
        """Return the time to the next file or the end, at most one interval even if the clock went back."""
        since_last = max(now - self.begin, timedelta()) % self.interval
        wait = self.interval - since_last
        return wait if self.duration is None else min(wait, self.begin + self.duration - now)
