"""A lock between processes, which a dead process cannot keep."""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 300


class AlertBusyError(EnvironmentFaultError):
    """Another process holds the alert for longer than any evaluation takes."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the operating system's lock on a file, which is made if it is not there.

    Raises:
        AlertBusyError: Another process did not let go of it within five minutes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for _ in range(int(_PATIENCE_SECONDS / _PAUSE_SECONDS)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
        else:
            problem = f"Another process has held {path} for {_PATIENCE_SECONDS} s."
            raise AlertBusyError(problem, "Stop that `python -m alerts`, then run the command again.")
        yield
