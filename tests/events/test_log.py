from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta import state_table
from pipeline.delta.table import Table
from pipeline.events.event import SCHEMA, Event, Origin
from pipeline.events.log import LONGEST_BUFFERED, EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = Origin("p1", "Orders", update_id="u1", dataset_name="orders")


def rows(log: EventLog) -> list[dict[str, Any]]:
    found = Table(log.path).rows().sort_by("sequence").to_pylist()
    return sorted(found, key=lambda row: row["sequence"])


def test_event_is_a_row_with_the_columns_of_the_original(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    log.emit(ORIGIN, "flow_progress", "Flow orders is RUNNING.", {"status": "RUNNING"}, level="METRICS")
    log.flush()
    (row,) = rows(log)
    assert list(row) == SCHEMA.names
    assert json.loads(row["details"]) == {"flow_progress": {"status": "RUNNING"}}
    assert (row["event_type"], row["level"], row["maturity_level"]) == ("flow_progress", "METRICS", "STABLE")
    assert (row["timestamp"], row["error"]) == (NOW, None)
    assert {name: value for name, value in row["origin"].items() if value is not None} == {
        "pipeline_type": "WORKSPACE",
        "pipeline_id": "p1",
        "pipeline_name": "Orders",
        "update_id": "u1",
        "dataset_name": "orders",
    }


def test_event_of_a_failure_holds_the_chain_of_what_caused_it(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    error = EnvironmentFaultError("The disk is full.", "Free some.")
    error.__cause__ = OSError("no space")
    log.emit(ORIGIN, "update_progress", "failed", {"state": "FAILED"}, level="ERROR", error=error)
    log.flush()
    (row,) = rows(log)
    assert row["error"] == {
        "fatal": True,
        "exceptions": [
            {"class_name": "EnvironmentFaultError", "message": "The disk is full. Free some."},
            {"class_name": "OSError", "message": "no space"},
        ],
    }


def test_sequence_grows_from_event_to_event_and_across_updates_whatever_the_clock_does(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    log = EventLog(tmp_path / "event_log", clock)
    for step in (timedelta(), timedelta(), timedelta(hours=-1), timedelta(hours=2)):
        clock.advance(step)
        log.emit(ORIGIN, "user_action", "step", {})
    log.flush()
    sequences = [row["sequence"] for row in rows(log)]
    assert sequences == sorted(set(sequences))
    clock.advance(timedelta(days=-1))
    later = EventLog(log.path, clock)
    later.emit(ORIGIN, "user_action", "the next update, on a clock that was set back", {})
    later.flush()
    assert rows(log)[-1]["message"].startswith("the next update")


def test_events_that_count_rows_are_known_by_their_ids_once_they_are_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    assert log.counted_ids() == set()
    log.emit(ORIGIN, "flow_progress", "batch", {}, level="METRICS", event_id="b1")
    log.emit(ORIGIN, "flow_progress", "status", {}, event_id="s1")
    assert log.counted_ids() == set()
    log.flush()
    assert log.counted_ids() == {"b1"}
    later = EventLog(log.path, FixedClock(NOW))
    later.emit(ORIGIN, "flow_progress", "batch", {}, level="METRICS", event_id="b2")
    later.flush()
    assert later.counted_ids() == {"b1", "b2"}


def test_event_is_written_within_a_second_though_nobody_flushes(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    log.emit(ORIGIN, "user_action", "unhurried", {})
    deadline = time.monotonic() + 10 * LONGEST_BUFFERED.total_seconds()
    while not DeltaTable.is_deltatable(str(log.path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [row["message"] for row in rows(log)] == ["unhurried"]


def test_log_that_another_thread_makes_at_the_moment_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    log.emit(ORIGIN, "flow_progress", "batch", {}, level="METRICS", event_id="b1")
    has_begun, may_end = threading.Event(), threading.Event()

    def write_slowly(path: Path, *rows: Any, **options: Any) -> None:
        path.mkdir()
        (path / "part-0.parquet").touch()
        has_begun.set()
        may_end.wait(10)
        write_deltalake(path, *rows, **options)

    monkeypatch.setattr(state_table, "write_deltalake", write_slowly)
    found: list[frozenset[str]] = []
    writer = threading.Thread(target=log.flush)
    reader = threading.Thread(target=lambda: found.append(log.counted_ids()))
    writer.start()
    assert has_begun.wait(10)
    reader.start()
    reader.join(0.2)
    may_end.set()
    for thread in (writer, reader):
        thread.join(10)
    assert found == [{"b1"}]


def test_listener_gets_an_event_as_soon_as_it_is_emitted(tmp_path: Path) -> None:
    heard: list[Event] = []
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    log.listen(heard.append)
    emitted = log.emit(ORIGIN, "user_action", "now", {})
    assert heard == [emitted]
    log.flush()


def test_log_that_cannot_be_written_keeps_its_events_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    log.emit(ORIGIN, "user_action", "kept", {})
    with monkeypatch.context() as patched:
        patched.setattr(state_table, "write_deltalake", full)
        with pytest.raises(EnvironmentFaultError, match=r"The event log .* cannot be written: .*No space left"):
            log.flush()
    log.flush()
    assert [row["message"] for row in rows(log)] == ["kept"]


def test_log_in_whose_place_a_file_stands_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "event_log").write_text("a file in the way")
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    with pytest.raises(EnvironmentFaultError, match=r"The event log .* cannot be read"):
        log.emit(ORIGIN, "user_action", "lost", {})


def test_listener_that_raises_is_dismissed_with_an_event_and_the_others_go_on(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "event_log", FixedClock(NOW))
    heard: list[str] = []

    def broken(_: Event) -> None:
        raise ValueError("not mine")

    log.listen(broken)
    log.listen(lambda event: heard.append(event.event_type))
    log.emit(ORIGIN, "user_action", "first", {})
    log.emit(ORIGIN, "user_action", "second", {})
    log.flush()
    assert heard == ["hook_progress", "user_action", "user_action"]
    failure = next(row for row in rows(log) if row["event_type"] == "hook_progress")
    details = json.loads(failure["details"])["hook_progress"]
    assert (details["status"], details["reason"]) == ("FAILED", "ValueError: not mine")
    assert failure["level"] == "WARN"
