from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from pipeline.foundation.stop import Stop, stop_by_signal

# Far longer than any test takes: a wait that returns earlier was woken.
LONG = 300.0
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def kill_soon(number: signal.Signals) -> None:
    """Send this process a signal while its main thread is (most likely) waiting."""
    threading.Timer(0.05, os.kill, (os.getpid(), number)).start()


@BOTH
def test_signal_within_the_block_ends_the_wait_and_the_former_handler_is_back_afterwards(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    with stop_by_signal() as stop:
        assert not stop.is_asked()
        kill_soon(number)
        assert stop.wait(LONG)
        assert stop.is_asked()
    assert signal.getsignal(number) is before


@BOTH
def test_signal_interrupts_the_running_call_where_the_block_wants_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stop_by_signal(interrupt=True) as stop:
        kill_soon(number)
        time.sleep(LONG)
    assert stop.is_asked()
    assert signal.getsignal(number) is before


def test_signal_within_a_nested_block_does_what_the_inner_block_says() -> None:
    with stop_by_signal(interrupt=True) as stop:
        with stop_by_signal(stop):
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.wait(LONG)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(LONG)


def test_wait_returns_false_once_its_time_has_passed() -> None:
    assert not Stop().wait(0.01)
    assert not Stop().wait(0)
    assert not Stop().wait(-1)


def test_asking_once_ends_every_wait_now_and_later() -> None:
    stop = Stop()
    ended: list[bool] = []
    waiting = [threading.Thread(target=lambda: ended.append(stop.wait(LONG))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    stop.ask()
    for thread in waiting:
        thread.join()
    assert ended == [True, True, True]
    assert stop.wait(LONG)


def test_asking_from_a_handler_that_interrupts_a_wait_anywhere_does_not_deadlock() -> None:
    """An event does: its lock is held for a moment in each wait, and a handler cannot take it again."""
    stop, ends = Stop(), 0
    before = signal.signal(signal.SIGALRM, lambda *_: stop.ask())
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while ends < 5000:
            stop = Stop()
            ends += stop.wait(LONG)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
