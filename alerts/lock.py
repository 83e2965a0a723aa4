"""The lock that alerts take turns by, in every process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.lock import locked

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

PATIENCE = timedelta(minutes=5)


class AlertBusyError(EnvironmentFaultError):
    """Another process holds the lock for longer than any evaluation takes."""


def held(path: Path, patience: timedelta = PATIENCE) -> AbstractContextManager[None]:
    """Hold the lock on a file inside the block. A missing file is created; it stays afterwards.

    Raises:
        AlertBusyError: Another process did not release the lock within five minutes.
        EnvironmentFaultError: The file cannot be created or locked.
    """
    problem = f"Another process has held {path} for {patience.total_seconds():g} s."
    busy = AlertBusyError(problem, "Stop that `python -m alerts`, then run the command again.")
    return locked(path, patience, lambda: busy, private=True)
