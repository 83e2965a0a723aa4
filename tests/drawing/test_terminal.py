from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from pipeline.drawing.terminal import TerminalGraph, plain_text
from tests.drawing.updates import Story


def drawn(story: Story, width: int, height: int = 100) -> list[str]:
    file = StringIO()
    Console(file=file, width=width, height=height, force_terminal=True, color_system=None).print(
        TerminalGraph(story.summary, story.now)
    )
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture
def failing() -> Story:
    story = Story()
    story.begin("orders")
    story.batch("orders", 1200, num_files=2, new_columns={"currency": "b.json"})
    story.wait(timedelta(seconds=2))
    story.end("orders")
    story.begin("paid_orders")
    story.batch("paid_orders", 1200, dropped=30, warned=4)
    story.wait(timedelta(seconds=65))
    story.end("paid_orders")
    story.batch("refused_orders", 30)
    story.end("refused_orders")
    story.begin("revenue")
    story.end("revenue", "FAILED", ValueError("The disk is full. Free some."))
    story.emit("update_progress", state="FAILED")
    return story


def test_graph_shows_every_table_with_state_counts_and_expectations(failing: Story) -> None:
    assert plain_text(failing.summary, failing.now).splitlines() == [
        "✘ FAILED  update 0a1b2c3d of Shop  1 min 07 s",
        "                          state         in  written  dropped  warned        time",
        "landing/orders",
        "└─▶ ✔ orders              COMPLETED  1,200    1,200        0       0       2.0 s",
        "  │   2 files · new column currency (from b.json)",
        "  └─▶ ✔ paid_orders       COMPLETED  1,200    1,170       30       4  1 min 05 s",
        "    │   ✘ known_customer  drop    1,170 passed      30 failed",
        "    │   ✘ small           warn    1,196 passed       4 failed",
        "    ├┄▷ ✔ refused_orders  COMPLETED     30       30        0       0",
        "    └─▶ ✘ revenue         FAILED         0        0        0       0       0.0 s",
        "          also from orders",
        "          The disk is full. Free some.",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_graph_fits_the_terminal(failing: Story, width: int) -> None:
    lines = drawn(failing, width)
    assert max(map(len, lines)) <= width
    assert any("1,170" in line and "30" in line for line in lines)
    assert any("✘ revenue" in line for line in lines)


def test_graph_taller_than_the_terminal_keeps_what_went_wrong() -> None:
    story = Story()
    story.begin("paid_orders")
    story.batch("paid_orders", 10, dropped=1)
    lines = drawn(story, 100, height=8)
    assert [line.split()[1:3] for line in lines if "passed" in line] == [["✘", "known_customer"]]
    assert len([line for line in drawn(story, 100) if "passed" in line]) == 2


def test_flow_that_runs_is_timed_and_its_sign_turns() -> None:
    story = Story()
    story.begin("orders")
    story.wait(timedelta(seconds=1.5))
    first = next(line for line in drawn(story, 100) if " orders " in line)
    assert first.endswith("1.5 s")
    story.wait(timedelta(seconds=0.25))
    second = next(line for line in drawn(story, 100) if " orders " in line)
    assert first.split()[1] != second.split()[1]
