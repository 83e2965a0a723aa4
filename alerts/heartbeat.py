"""The sign of life that `watch` leaves, and what it says of its health."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pathlib import Path

# An evaluation may wait for two queries' time limits and for slow destinations before the next beat.
LONGEST_SILENCE = timedelta(minutes=5)


class UnhealthyError(EnvironmentFaultError):
    """`watch` does not run, or no longer gets on."""


class Heartbeat(BaseModel):
    """What `watch` last said of itself.

    Attributes:
        pid: Its process.
        beat_at: When it last got on.
        states: Each alert's last state, by key.
    """

    pid: int
    beat_at: datetime
    states: dict[str, str] = {}


def beat(home: Path, now: datetime, states: dict[str, str]) -> None:
    """Leave a sign of life.

    Raises:
        EnvironmentFaultError: It cannot be written.
    """
    path = _path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(Heartbeat(pid=os.getpid(), beat_at=now, states=states).model_dump_json())
        draft.replace(path)
    except OSError as error:
        problem = f"{path} cannot be written: {error}."
        raise EnvironmentFaultError(problem, "Free some disk space, or correct the folder's rights.") from error


def last_beat(home: Path, now: datetime) -> Heartbeat:
    """Return the last sign of life, when it is recent enough to mean that `watch` is well.

    Raises:
        UnhealthyError: There is none, or it is older than five minutes.
    """
    path = _path(home)
    try:
        heartbeat = Heartbeat.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        problem = f"No sign of life in {path}."
        raise UnhealthyError(problem, "Start `python -m alerts watch`.") from None
    silence = now - heartbeat.beat_at
    if silence > LONGEST_SILENCE:
        problem = f"`watch` (process {heartbeat.pid}) last got on {silence // timedelta(seconds=1)} s ago."
        raise UnhealthyError(problem, "Stop that process if it is still there, and start `python -m alerts watch`.")
    return heartbeat


def _path(home: Path) -> Path:
    return home / "state" / "alerts" / "heartbeat" / "watch.json"
