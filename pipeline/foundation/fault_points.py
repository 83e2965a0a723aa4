"""Named moments at which tests kill the process, to prove that a kill at any moment does no harm."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import defaultdict
from enum import StrEnum

VARIABLE = "SMART_FACTORY_FAULT_POINT"


class FaultPoint(StrEnum):
    """A moment at which an update can be killed."""

    DISCOVERY = "discovery"
    PARSE = "parse"
    FILES_WRITTEN = "files-written"
    COMMITTED = "committed"
    BEFORE_QUARANTINE = "before-quarantine"
    MERGE = "merge"
    EVENT_LOG_WRITE = "event-log-write"
    FULL_REFRESH = "full-refresh"
    REPROCESS = "reprocess"


_reached: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))


def reach(point: FaultPoint) -> None:
    """Kill this process with SIGKILL if the environment asks for it at this point; otherwise do nothing.

    `SMART_FACTORY_FAULT_POINT=merge:2:300` kills the process 300 milliseconds after it reaches the point for the
    second time.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, rest = wanted.partition(":")
    time, _, wait = rest.partition(":")
    if name != point or next(_reached[point]) != int(time or 1):
        return
    if wait:
        timer = threading.Timer(int(wait) / 1000, _die)
        timer.daemon = True
        timer.start()
    else:
        _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
