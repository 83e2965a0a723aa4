"""One update at a time: a lock that a dead process cannot keep."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline.errors import PipelineBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.clock import Clock
    from pipeline.home import Home


@contextmanager
def exclusive(home: Home, clock: Clock, what: str) -> Iterator[None]:
    """Hold the lakehouse's lock inside the block; the operating system frees it when the process dies.

    Raises:
        PipelineBusyError: Another process holds it.
    """
    home.lock.parent.mkdir(parents=True, exist_ok=True)
    holder = home.lock.with_name("holder.json")
    try:
        with FileLock(home.lock, timeout=0):
            facts = {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "what": what,
                "since": clock.now().isoformat(timespec="seconds"),
            }
            holder.write_text(json.dumps(facts), encoding="utf-8")
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        raise PipelineBusyError(describe_holder(home)) from None


def describe_holder(home: Home) -> str:
    """Return who holds the lock, as far as it can be told."""
    try:
        facts = json.loads(home.lock.with_name("holder.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "a process that is just starting"
    return f"{facts['what']}, process {facts['pid']} on {facts['host']}, since {facts['since']}"
