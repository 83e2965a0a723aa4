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
    from typing import TextIO

_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 300


class AlertBusyError(EnvironmentFaultError):
    """Another process holds the alert for longer than any evaluation takes."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the operating system's lock on a file, which is made if it is not there.

    Raises:
        AlertBusyError: Another process did not let go of it within five minutes.
        EnvironmentFaultError: The file cannot be made.
    """
    with _opened(path) as file:
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


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        problem = f"{path} cannot be written: {error}."
        raise EnvironmentFaultError(problem, "Free some disk space, or correct the folder's rights.") from error
