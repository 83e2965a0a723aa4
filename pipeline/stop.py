"""Asking a running program to end, by a signal or by a call."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LONGEST_NAP_SECONDS = 0.1


class Stop:
    """Remembers that somebody asked for the end."""

    def __init__(self) -> None:
        self._asked = False

    def ask(self, *_: object) -> None:
        """Ask for the end."""
        self._asked = True

    def is_asked(self) -> bool:
        """Tell whether somebody asked for the end."""
        return self._asked

    def sleep(self, seconds: float) -> None:
        """Wait that long, or until somebody asks for the end."""
        # Short naps: a sleep goes on after a signal's handler, and an event's lock can deadlock in one.
        while seconds > 0 and not self._asked:
            time.sleep(min(seconds, _LONGEST_NAP_SECONDS))
            seconds -= _LONGEST_NAP_SECONDS


@contextmanager
def stop_by_signal() -> Iterator[Stop]:
    """Let an interrupt or a termination signal ask for the end, as long as the block runs."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
