"""Work tried again when the environment stood in its way, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from pipeline.faults import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.errors import LakehouseError
    from pipeline.settings import RetrySettings

    # Told before each wait: what went wrong, which attempt that was, and how many seconds are waited.
    Told = Callable[[LakehouseError, int, float], None]


def retried(work: Callable[[], None], settings: RetrySettings, sleep: Callable[[float], None], tell: Told) -> None:
    """Do some work, again after a wait when the environment failed it; each wait is twice the one before.

    Raises:
        Exception: What the work raised at last, or at first if trying again cannot help.
    """

    def told(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Exception):
            tell(readable(error), state.attempt_number, state.upcoming_sleep)

    Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and readable(error).retryable),
        stop=stop_after_attempt(settings.attempts),
        wait=lambda state: wait_after(state.attempt_number, settings),
        sleep=sleep,
        before_sleep=told,
        reraise=True,
    )(work)


def wait_after(attempt: int, settings: RetrySettings) -> float:
    """Return how many seconds are waited after an attempt, counted from 1, has failed."""
    first, longest = settings.first_wait.total_seconds(), settings.longest_wait.total_seconds()
    return float(min(first * 2 ** (attempt - 1), longest))
