"""The graph while an update runs, in a terminal and elsewhere."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pipeline.drawing.live import watching
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from tests.conftest import NOON
from tests.events.log_writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def writer(tmp_path: Path, clock: FixedClock) -> LogWriter:
    return LogWriter(Home(tmp_path), clock)


def play(writer: LogWriter, clock: FixedClock) -> None:
    writer.begin("0a1b2c3d-u")
    writer.orders("0a1b2c3d-u", 1200, status="RUNNING")
    clock.advance(timedelta(seconds=3))
    error = ValueError("The disk is full.")
    writer.emit("0a1b2c3d-u", "flow_progress", "orders", status="FAILED", error=error, level="ERROR")
    writer.emit("0a1b2c3d-u", "flow_progress", "paid_orders", status="SKIPPED", level="WARN")
    writer.end("0a1b2c3d-u", "FAILED")


def test_update_outside_a_terminal_prints_a_line_for_each_flow_and_ends_with_its_graph(
    writer: LogWriter, clock: FixedClock
) -> None:
    file = StringIO()
    with watching(writer.log, console=Console(file=file, width=200), clock=clock) as summary:
        play(writer, clock)
    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "update_progress of 0a1b2c3d-u",
        "update_progress of 0a1b2c3d-u",
        "orders: FAILED: 1,200 in, 1,200 written, 0 dropped, 0 warned",
        "paid_orders: SKIPPED: 0 in, 0 written, 0 dropped, 0 warned",
        "update_progress of 0a1b2c3d-u",
        "✘ FAILED  update 0a1b2c3d of Shop  3.0 s",
        "                          state       in  written  dropped  warned   time",
        "landing/orders",
        "└─▶ ✘ orders              FAILED   1,200    1,200        0       0  3.0 s",
        "  │   1 file",
        "  │   The disk is full.",
        "  └─▶ ⊘ paid_orders       SKIPPED",
        "        · known_customer  drop",
        "        · small           warn",
    ]
    assert summary.state == "FAILED"


def test_update_in_a_terminal_is_shown_live_and_leaves_its_graph_on_the_screen(
    writer: LogWriter, clock: FixedClock
) -> None:
    file = StringIO()
    console = Console(file=file, width=100, height=40, force_terminal=True, color_system=None)
    with watching(writer.log, console=console, clock=clock):
        writer.begin("0a1b2c3d-u")
        writer.orders("0a1b2c3d-u", 1200, status="RUNNING")
        clock.advance(timedelta(seconds=3))
        deadline = time.monotonic() + 10
        while "3.0 s" not in file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
        while_running = _ESCAPES.sub("", file.getvalue())
        writer.orders("0a1b2c3d-u", 5)
        writer.paid_orders("0a1b2c3d-u", 1205, dropped=5)
        writer.end("0a1b2c3d-u")
    assert re.search(r"[◐◓◑◒] orders +RUNNING +1,200 +1,200 +0 +0 +3\.0 s", while_running)
    assert re.search(r"· paid_orders +QUEUED", while_running)
    last = _ESCAPES.sub("", file.getvalue()).rpartition("update 0a1b2c3d")[2]
    assert re.search(r"✔ orders +COMPLETED +1,205 +1,205", last)
    assert re.search(r"✘ known_customer +drop +1,200 passed +5 failed", last)


def test_update_that_prints_for_machines_shows_nothing(
    writer: LogWriter, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with watching(writer.log, quiet=True, clock=clock) as summary:
        play(writer, clock)
    assert capsys.readouterr().out == ""
    assert summary.failures == ["orders"]
