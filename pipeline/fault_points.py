"""Named moments at which the process can be made to die, to prove that no moment does harm."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import defaultdict
from enum import StrEnum

VARIABLE = "SMART_FACTORY_FAULT_POINT"


class FaultPoint(StrEnum):
    """Where an update can be cut short."""

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
    """Pass a point; die there by SIGKILL if the environment asks for it, else do nothing.

    `SMART_FACTORY_FAULT_POINT=merge:2:300` asks for the second time the point is reached, and for 300
    milliseconds more, which fall into what the process does next.
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
