"""Asking a running program to end, by a signal or by a call."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """A request to end, which any thread or signal handler makes and any thread waits for.

    It is made once and never withdrawn.
    """

    def __init__(self) -> None:
        self._asked = False
        # An event's lock deadlocks when a handler interrupts a wait for it; this queue's `put` is reentrant.
        self._wake: SimpleQueue[None] = SimpleQueue()

    def ask(self) -> None:
        """Ask for the end, and wake every thread that waits."""
        self._asked = True
        self._wake.put(None)

    def is_asked(self) -> bool:
        """Return whether the end was asked for."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Wait until the end is asked for, but no longer than the given time, and return whether it was."""
        if not self._asked and seconds > 0:
            try:
                self._wake.get(timeout=seconds)
            except Empty:
                return self._asked
            # Another thread may wait as well.
            self._wake.put(None)
        return self._asked


@contextmanager
def stop_by_signal(stop: Stop | None = None, *, interrupt: bool = False) -> Iterator[Stop]:
    """Let SIGINT or SIGTERM ask for the end while the block runs; afterwards the former handlers are back.

    Blocks may be nested: the innermost one decides what a signal does. Only the main thread may enter one.

    Args:
        stop: What is asked to end. Defaults to a new `Stop`.
        interrupt: Whether a signal also raises KeyboardInterrupt in the main thread, as Ctrl-C does, so that the call
            that is running ends. Without it, the block has to look at the `Stop` itself.
    """
    stop = stop or Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.ask()
        if interrupt:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
