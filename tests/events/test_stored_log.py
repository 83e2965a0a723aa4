from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.events.event import Origin
from pipeline.events.stored_log import EventFilter
from tests.conftest import NOON

if TYPE_CHECKING:
    from pipeline.events.history import Record
    from pipeline.foundation.clock import FixedClock
    from tests.events.log_writer import LogWriter


@pytest.fixture
def logged(writer: LogWriter, clock: FixedClock) -> None:
    """Three events an hour apart, each in a file of its own."""
    for update, table, level in (("ab1", "orders", "INFO"), ("ab2", "paid_orders", "WARN"), ("cd1", None, "ERROR")):
        details: dict[str, Any] = {"level": level, "status": "x"}
        if level == "ERROR":
            details["error"] = ValueError("broken")
        writer.emit(update, "flow_progress" if table else "update_progress", table, **details)
        writer.log.flush()
        clock.advance(timedelta(hours=1))


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({}, ["ab1", "ab2", "cd1"], id="everything_oldest_first"),
        pytest.param({"levels": ("WARN", "ERROR")}, ["ab2", "cd1"], id="levels"),
        pytest.param({"event_types": ("flow_progress",)}, ["ab1", "ab2"], id="types"),
        pytest.param({"update": "ab2"}, ["ab2"], id="update"),
        pytest.param({"update": "ab"}, ["ab1", "ab2"], id="update_by_how_it_begins"),
        pytest.param({"tables": ("orders",)}, ["ab1"], id="table"),
        pytest.param({"since": NOON + timedelta(hours=1)}, ["ab2", "cd1"], id="since_the_moment_itself"),
        pytest.param({"until": NOON + timedelta(hours=1)}, ["ab1", "ab2"], id="until_the_moment_itself"),
        pytest.param({"limit": 2}, ["ab2", "cd1"], id="the_newest"),
        pytest.param({"limit": 1, "event_types": ("flow_progress",)}, ["ab2"], id="the_newest_of_a_type"),
        pytest.param({"tables": ("nothing",)}, [], id="none"),
    ],
)
def test_filter_lets_pass_what_meets_all_of_it(record: Record, wanted: dict[str, Any], found: list[str]) -> None:
    assert [event.origin.update_id for event in record.events(EventFilter(**wanted))] == found


@pytest.mark.usefixtures("logged")
def test_event_is_read_back_as_it_was_emitted(record: Record) -> None:
    first, second, third = record.events(EventFilter())
    assert (first.event_type, first.level, first.timestamp) == ("flow_progress", "INFO", NOON)
    assert (first.details, first.origin.dataset_name, first.error) == ({"status": "x"}, "orders", None)
    assert (str(third.error), third.row()["error"]["fatal"]) == ("broken", True)
    assert [event.origin.update_id for event in record.events(EventFilter(after=second.sequence))] == ["cd1"]


def test_every_field_of_an_event_is_read_back(record: Record, writer: LogWriter) -> None:
    origin = Origin("p1", "Shop", "ab1", "orders", "the flow", "orders", 4)
    sent = writer.log.emit(
        origin, "stream_progress", "It goes on.", {"a": 1}, level="METRICS", maturity_level="EVOLVING"
    )
    writer.log.flush()
    assert record.events(EventFilter()) == [sent]
