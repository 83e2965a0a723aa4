"""The heartbeat of `watch`, and whether it is recent enough."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pipeline.home.places import Home

# Between two beats an evaluation may wait for two queries' time limits and for slow destinations.
LONGEST_SILENCE = timedelta(minutes=5)


class UnhealthyError(EnvironmentFaultError):
    """`watch` is not running, or hangs."""


class Heartbeat(BaseModel):
    """The last heartbeat of `watch`.

    Attributes:
        pid: Its process.
        beat_at: When it was written.
        states: Each alert's last state, by key.
    """

    pid: int
    beat_at: datetime
    states: dict[str, str] = {}


def beat(home: Home, now: datetime, states: dict[str, str]) -> None:
    """Write a heartbeat.

    Raises:
        EnvironmentFaultError: It cannot be written.
    """
    path = home.alerts.heartbeat
    try:
        replace_file(path, Heartbeat(pid=os.getpid(), beat_at=now, states=states).model_dump_json(), private=True)
    except OSError as error:
        problem = f"{path} cannot be written: {error}."
        raise EnvironmentFaultError(problem, "Free some disk space, or correct the folder's permissions.") from error


def last_beat(home: Home, now: datetime) -> Heartbeat:
    """Return the last heartbeat if it is recent.

    Raises:
        UnhealthyError: There is none, or it is older than five minutes.
    """
    path = home.alerts.heartbeat
    try:
        heartbeat = Heartbeat.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        problem = f"There is no heartbeat in {path}."
        raise UnhealthyError(problem, "Start `python -m alerts watch`.") from None
    silence = now - heartbeat.beat_at
    if silence > LONGEST_SILENCE:
        problem = f"The last heartbeat of `watch` (process {heartbeat.pid}) is {silence // timedelta(seconds=1)} s old."
        raise UnhealthyError(problem, "Stop that process if it still runs, and start `python -m alerts watch`.")
    return heartbeat
