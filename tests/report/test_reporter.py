"""The events that an update's steps become."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.batch import Batch, Written
from pipeline.events.log import EventLog
from pipeline.flows.flow import Listing, Progress
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.report.reporter import Reporter
from pipeline.selection import Selection
from pipeline.settings import load_settings
from tests.update.fakes import FakeFlow

if TYPE_CHECKING:
    from pipeline.events.event import Event

BATCH = Batch("u1", "silver", "the flow", 3)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "event_log", FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC)))


@pytest.fixture
def events(log: EventLog) -> list[Event]:
    emitted: list[Event] = []
    log.listen(emitted.append)
    return emitted


@pytest.fixture
def reporter(log: EventLog, events: list[Event]) -> Reporter:
    del events  # listens before the first event
    return Reporter(log, "u1", load_settings())


class WithQuarantine(FakeFlow):
    @property
    def targets(self) -> list[str]:
        return ["silver", "rejected"]


FLOW = WithQuarantine("silver", "bronze")


def shown(events: list[Event]) -> list[tuple[str, str | None, str, dict[str, Any]]]:
    return [(event.event_type, event.origin.dataset_name, event.level, event.details) for event in events]


def test_update_begins_with_its_cause_its_user_and_what_it_was_asked_for(
    reporter: Reporter, events: list[Event]
) -> None:
    reporter.created("USER_ACTION", "mira", Selection(refresh=("silver",), full_refresh=("gold",)))
    creation, action = events
    asked = {"refresh_selection": ["silver"], "full_refresh_selection": ["gold"], "full_refresh": False}
    assert (creation.event_type, creation.origin.update_id) == ("create_update", "u1")
    assert creation.details.items() >= {"run_as": "mira", "cause": "USER_ACTION", **asked}.items()
    assert (action.event_type, action.details["action"]) == ("user_action", "START")


@pytest.mark.parametrize(
    ("state", "level"), [("RUNNING", "INFO"), ("FAILED", "ERROR"), ("CANCELED", "WARN"), ("COMPLETED", "INFO")]
)
def test_state_of_an_update_is_an_event_of_its_severity(
    reporter: Reporter, events: list[Event], state: str, level: str
) -> None:
    reporter.state(state)
    assert shown(events) == [("update_progress", None, level, {"state": state})]


def test_state_of_a_flow_is_an_event_for_each_of_its_tables(reporter: Reporter, events: list[Event]) -> None:
    reporter.flow_status(FLOW, "SKIPPED", because="`bronze` failed")
    status = {"status": "SKIPPED"}
    assert shown(events) == [
        ("flow_progress", "silver", "WARN", status),
        ("flow_progress", "rejected", "WARN", status),
    ]
    assert events[0].message == "Flow silver is SKIPPED because `bronze` failed."


def test_batch_is_an_event_for_each_table_with_its_figures_once(reporter: Reporter, events: list[Event]) -> None:
    written = {"silver": Written(rows=2, bytes=10), "rejected": Written(rows=1)}
    for _ in range(2):
        reporter.batch_done(FLOW, BATCH, Progress(3, written, facts={"backlog_files": 0}))
    assert [(event.origin.dataset_name, event.details["metrics"]["num_output_rows"]) for event in events] == [
        ("silver", 2),
        ("rejected", 1),
    ]
    assert events[0].details["metrics"]["num_input_rows"] == 3
    assert events[0].details["metrics"]["backlog_files"] == 0
    assert {event.level for event in events} == {"METRICS"}


def test_batch_that_an_earlier_update_has_logged_is_not_logged_again(
    reporter: Reporter, log: EventLog, events: list[Event]
) -> None:
    reporter.batch_done(FLOW, BATCH, Progress(2, {"silver": Written(rows=2)}))
    log.flush()
    later = Reporter(EventLog(log.path, FixedClock(datetime(2026, 3, 1, 13, tzinfo=UTC))), "u2", load_settings())
    assert later.has_logged(BATCH, "silver")
    assert not later.has_logged(BATCH, "rejected")
    assert len(events) == 1


def test_failure_has_its_error_and_the_backlog_with_the_table_that_names_the_flow(
    reporter: Reporter, events: list[Event]
) -> None:
    error = EnvironmentFaultError("The disk is full.", "Free some.")
    reporter.flow_failed(FLOW, error, {"backlog_files": 2, "backlog_bytes": 5})
    silver, rejected = events
    metrics = {"num_input_rows": 0, "num_output_rows": 0, "num_deleted_rows": 0, "backlog_files": 2, "backlog_bytes": 5}
    assert silver.details == {"status": "FAILED", "metrics": metrics}
    assert rejected.details == {"status": "FAILED"}
    assert (silver.error, silver.level) == (error, "ERROR")


def test_retry_is_an_event_with_the_attempt_and_the_wait(reporter: Reporter, events: list[Event]) -> None:
    reporter.flow_retried(FLOW, EnvironmentFaultError("The disk is full.", "Free some."), 1, 2.0)
    assert events[0].details == {"status": "QUEUED", "attempt": 1, "wait_seconds": 2.0}
    assert len(events) == 2


def test_reset_counts_the_rows_that_were_deleted_once(reporter: Reporter, events: list[Event]) -> None:
    for _ in range(2):
        reporter.flow_reset(FLOW, BATCH, {"silver": Written(deleted_rows=4)})
    action, progress = events
    assert action.details == {"action": "FULL_REFRESH"}
    assert progress.details["metrics"] == {"num_output_rows": 0, "num_deleted_rows": 4}


def test_listing_of_a_landing_zone_is_an_event(reporter: Reporter, events: list[Event]) -> None:
    reporter.listed(FLOW, Listing(Path("landing/readings"), 7, 0.25))
    (event,) = events
    details = event.details
    assert (details["type"], details["duration_ms"]) == ("AUTO_LOADER_LISTING", 250)
    assert details["auto_loader_details"] == {"source_path": "landing/readings", "num_files_listed": 7}


def test_pipeline_has_the_same_identity_in_every_update(log: EventLog, events: list[Event]) -> None:
    for update_id in ("u1", "u2"):
        Reporter(log, update_id, load_settings()).state("RUNNING")
    assert len({event.origin.pipeline_id for event in events}) == 1
