from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import NOON
from tests.drawing.updates import Story


def test_tables_stand_in_the_order_of_their_definitions_though_one_was_told_of_before() -> None:
    story = Story()
    story.summary.tables.clear()
    story.batch("revenue", 5)
    for table in ("orders", "paid_orders", "revenue"):
        story._define(table)
    assert list(story.summary.tables) == ["orders", "paid_orders", "revenue"]
    assert story.summary.tables["revenue"].rows_written == 5


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_flows_that_had_not_ended_when_the_update_did_are_stopped(state: str) -> None:
    story = Story()
    story.begin("orders")
    story.end("orders")
    story.begin("paid_orders")
    story.wait(timedelta(seconds=2))
    story.tell("update_progress", state=state)
    assert {name: (table.status, table.seconds(NOON)) for name, table in story.summary.tables.items()} == {
        "orders": ("COMPLETED", 0.0),
        "paid_orders": ("STOPPED", 2.0),
        "refused_orders": ("STOPPED", None),
        "revenue": ("STOPPED", None),
    }


def test_error_that_is_told_of_a_flow_and_of_its_update_stands_once() -> None:
    story = Story()
    for _ in range(2):
        story.end("orders", "FAILED", ValueError("The disk is full."))
    assert (story.summary.errors, story.summary.failures) == (["The disk is full."], ["orders"])
