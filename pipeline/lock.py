"""One update at a time: a lock that a dead process cannot keep."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline.errors import PipelineBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.clock import Clock
    from pipeline.home import Home

# Somebody who only looks whether the lock is held holds it for that moment.
_PATIENCE_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """The process that holds the lakehouse, as far as it can be told.

    Attributes:
        what: What it does, such as `update <id>`; empty while it is just starting.
    """

    what: str = ""
    pid: int = 0
    host: str = ""
    since: str = ""

    @property
    def update_id(self) -> str | None:
        """The update that this process runs, or None."""
        kind, _, name = self.what.partition(" ")
        return name if kind == "update" else None

    def __str__(self) -> str:
        if not self.what:
            return "a process that is just starting"
        return f"{self.what}, process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def exclusive(home: Home, clock: Clock, what: str) -> Iterator[None]:
    """Hold the lakehouse's lock inside the block; the operating system frees it when the process dies.

    Raises:
        PipelineBusyError: Another process holds it.
    """
    home.lock.parent.mkdir(parents=True, exist_ok=True)
    note = home.lock.with_name("holder.json")
    try:
        with FileLock(home.lock, timeout=_PATIENCE_SECONDS):
            facts = {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "what": what,
                "since": clock.now().isoformat(timespec="seconds"),
            }
            # Renamed into place: whoever looks reads all of it or nothing.
            scratch = note.with_suffix(".tmp")
            scratch.write_text(json.dumps(facts), encoding="utf-8")
            scratch.replace(note)
            try:
                yield
            finally:
                note.unlink(missing_ok=True)
    except Timeout:
        raise PipelineBusyError(describe_holder(home)) from None


def holder(home: Home) -> Holder | None:
    """Return who holds the lock now, or None."""
    try:
        with home.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_down(home)
    except FileNotFoundError:
        return None
    return None


def describe_holder(home: Home) -> str:
    """Return who holds the lock, as far as it can be told."""
    return str(_written_down(home))


def _written_down(home: Home) -> Holder:
    try:
        return Holder(**json.loads(home.lock.with_name("holder.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Holder()
