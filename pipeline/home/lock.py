"""Locks between processes, which a dead process cannot keep; one of them allows one update at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline.foundation.durable_file import create_folder, replace_file
from pipeline.foundation.errors import EnvironmentFaultError, LakehouseError, PipelineBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home

# A process that only looks whether the lock is held takes it for a moment.
_PATIENCE = timedelta(seconds=0.2)


@dataclass(frozen=True)
class Holder:
    """The process that holds the lakehouse, as far as it is known.

    Attributes:
        what: What it does, such as `update <id>`; empty while the process is just starting.
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
def locked(
    path: Path, patience: timedelta, busy: Callable[[], LakehouseError], *, private: bool = False
) -> Iterator[None]:
    """Hold the operating system's lock on a file inside the block; it is freed when the process dies.

    Threads of one process exclude each other too. The file is created where it is missing, and stays.

    Args:
        path: The file, which nothing else may write.
        patience: How long to wait for another holder.
        busy: Makes the error to raise when another holder keeps the lock for longer.
        private: Whether only its owner may open the file.

    Raises:
        LakehouseError: What `busy` made.
        EnvironmentFaultError: The file cannot be created, or its file system has no locks.
    """
    # Without flock, FileLock would fall back to a lock that a dead process keeps.
    lock = FileLock(path, timeout=patience.total_seconds(), fallback_to_soft=False, mode=0o600 if private else 0o644)
    try:
        create_folder(path.parent)
        lock.acquire()
    except Timeout:
        raise busy() from None
    except OSError as error:
        problem = f"The file {path} cannot be locked: {error}."
        remedy = "Free some disk space, correct the folder's permissions, or choose a file system that supports locks."
        raise EnvironmentFaultError(problem, remedy) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def exclusive(home: Home, clock: Clock, what: str) -> Iterator[None]:
    """Hold the lakehouse's lock inside the block; it is freed when the process dies.

    Args:
        home: The lakehouse.
        clock: Says since when the lock is held.
        what: What the holder does, for others to read.

    Raises:
        PipelineBusyError: Another process holds it.
        EnvironmentFaultError: The lock's file cannot be created or locked.
    """
    with locked(home.lock, _PATIENCE, lambda: PipelineBusyError(str(_noted(home)))):
        since = clock.now().isoformat(timespec="seconds")
        note = Holder(what, os.getpid(), socket.gethostname(), since)
        replace_file(home.holder_note, json.dumps(asdict(note)))
        try:
            yield
        finally:
            home.holder_note.unlink(missing_ok=True)


def holder(home: Home) -> Holder | None:
    """Return the process that holds the lakehouse's lock now, or None."""
    try:
        with home.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _noted(home)
    except FileNotFoundError:
        return None
    return None


def _noted(home: Home) -> Holder:
    try:
        return Holder(**json.loads(home.holder_note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Holder()
