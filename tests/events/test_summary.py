from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import NOON
from tests.drawing.updates import Story


def test_tables_follow_the_order_of_their_definitions_after_an_earlier_event() -> None:
    story = Story()
    story.summary.tables.clear()
    story.batch("revenue", 5)
    for table in ("orders", "paid_orders", "revenue"):
        story._define(table)
    assert list(story.summary.tables) == ["orders", "paid_orders", "revenue"]
    assert story.summary.tables["revenue"].rows_written == 5


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_unfinished_flows_are_stopped_when_the_update_ends(state: str) -> None:
    story = Story()
    story.begin("orders")
    story.end("orders")
    story.begin("paid_orders")
    story.wait(timedelta(seconds=2))
    story.emit("update_progress", state=state)
    assert {name: (table.status, table.seconds(NOON)) for name, table in story.summary.tables.items()} == {
        "orders": ("COMPLETED", 0.0),
        "paid_orders": ("STOPPED", 2.0),
        "refused_orders": ("STOPPED", None),
        "revenue": ("STOPPED", None),
    }


def test_error_of_a_flow_and_of_its_update_is_listed_once() -> None:
    story = Story()
    for _ in range(2):
        story.end("orders", "FAILED", ValueError("The disk is full."))
    assert (story.summary.errors, story.summary.failures) == (["The disk is full."], ["orders"])


def test_upstream_of_a_table_is_everything_it_reads_directly_or_through_others() -> None:
    summary = Story().summary
    assert summary.upstream("revenue") == {"orders", "paid_orders", "landing/orders"}
    assert summary.upstream("orders") == {"landing/orders"}
    assert summary.upstream("unknown") == set()


def test_definitions_of_an_update_are_its_tables_without_figures() -> None:
    story = Story()
    story.begin("orders")
    story.batch("orders", 5)
    defined = story.summary.definitions()
    assert [(table.name, table.inputs, table.status, table.rows_in) for table in defined.tables.values()] == [
        ("orders", ("landing/orders",), "", 0),
        ("paid_orders", ("orders",), "", 0),
        ("refused_orders", ("paid_orders",), "", 0),
        ("revenue", ("orders", "paid_orders"), "", 0),
    ]
    assert story.summary.tables["orders"].rows_in == 5
