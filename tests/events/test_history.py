"""What is read back of updates from a log that was written as an update writes it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import url2pathname

import pytest
from deltalake import DeltaTable

from pipeline.events.history import Record, RuleOutcome, UnknownUpdateError
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.lock import exclusive
from tests.conftest import NOON
from tests.events.log_writer import SCHEMA

if TYPE_CHECKING:
    from pipeline.foundation.clock import FixedClock
    from pipeline.home.places import Home
    from tests.events.log_writer import LogWriter


def test_record_of_a_home_without_a_log_is_empty(record: Record) -> None:
    assert record.updates() == []
    assert record.update() is None
    assert record.totals() == {}


def test_updates_stand_newest_first_with_what_each_did(record: Record, writer: LogWriter, clock: FixedClock) -> None:
    writer.whole("u1", 10, dropped=2, warned=3)
    clock.advance(timedelta(minutes=5))
    writer.begin("u2")
    clock.advance(timedelta(seconds=7))
    writer.emit("u2", "flow_progress", "orders", status="FAILED", error=ValueError("no such file"), level="ERROR")
    writer.emit("u2", "flow_progress", "paid_orders", status="SKIPPED", level="WARN")
    writer.emit("u2", "update_progress", state="FAILED", error=ValueError("no such file"), level="ERROR")
    writer.log.flush()
    failed, done = record.updates()
    assert [done.update_id, done.cause, done.run_as, done.state] == ["u1", "USER_ACTION", "mira", "COMPLETED"]
    assert [done.created_at, done.ended_at] == [NOON, NOON]
    assert [done.rows_in, done.rows_written, done.rows_dropped, done.rows_warned] == [10, 18, 2, 3]
    assert (done.failures, done.errors) == ([], [])
    assert [failed.update_id, failed.state, failed.duration(NOON)] == ["u2", "FAILED", timedelta(seconds=7)]
    assert (failed.failures, failed.errors) == (["orders"], ["no such file"])
    assert {name: table.status for name, table in failed.tables.items()} == {
        "orders": "FAILED",
        "paid_orders": "SKIPPED",
    }
    assert [update.update_id for update in record.updates(limit=1)] == ["u2"]


def test_update_whose_process_is_gone_is_killed_and_its_flows_are_stopped(
    record: Record, writer: LogWriter, clock: FixedClock
) -> None:
    writer.begin("u1")
    clock.advance(timedelta(seconds=3))
    writer.orders("u1", 10, status="RUNNING")
    writer.log.flush()
    (update,) = record.updates()
    assert (update.state, update.ended_at) == ("KILLED", NOON + timedelta(seconds=3))
    assert {name: table.status for name, table in update.tables.items()} == dict.fromkeys(update.tables, "STOPPED")
    assert update.tables["orders"].rows_written == 10


def test_update_that_holds_the_lock_runs_and_an_older_one_without_an_end_does_not(
    record: Record, writer: LogWriter, clock: FixedClock, home: Home
) -> None:
    writer.begin("u1")
    with exclusive(home, clock, "update u2"):
        writer.begin("u2")
        writer.log.flush()
        assert [(update.update_id, update.state) for update in record.updates()] == [
            ("u2", "RUNNING"),
            ("u1", "KILLED"),
        ]
        running = record.update("u2")
        assert running is not None
        assert running.duration(NOON + timedelta(seconds=9)) == timedelta(seconds=9)
    assert [update.state for update in record.updates()] == ["KILLED", "KILLED"]


def test_record_that_is_asked_again_has_what_came_since(record: Record, writer: LogWriter, home: Home) -> None:
    writer.begin("u1")
    writer.log.flush()
    assert [update.rows_in for update in record.updates()] == [0]
    writer.orders("u1", 10)
    writer.log.flush()
    assert [update.rows_in for update in record.updates()] == [10]
    writer.orders("u1", 5)
    writer.end("u1")
    assert [(update.state, update.rows_in) for update in record.updates()] == [("COMPLETED", 15)]
    DeltaTable(home.schema(SCHEMA).event_log).optimize.compact()
    writer.whole("u2", 1)
    assert [update.rows_in for update in record.updates()] == [1, 15]


def test_newest_update_that_is_asked_for_again_has_what_came_since(record: Record, writer: LogWriter) -> None:
    writer.begin("u1")
    writer.log.flush()
    writer.orders("u1", 10)
    writer.log.flush()
    shown = [record.update()]
    writer.end("u1")
    shown.append(record.update())
    writer.whole("u2", 1)
    shown.append(record.update())
    assert [update and (update.update_id, update.state, update.rows_in) for update in shown] == [
        ("u1", "KILLED", 10),
        ("u1", "COMPLETED", 10),
        ("u2", "COMPLETED", 1),
    ]


def test_newest_update_is_the_newest_even_where_an_old_one_is_known(record: Record, writer: LogWriter) -> None:
    for number in range(4):
        writer.whole(f"u{number}", 1)
    assert record.update("u0") is not None
    assert [update.update_id for update in record.updates(limit=1)] == ["u3"]


def test_update_that_seemed_killed_runs_again_when_it_is_seen_to_hold_the_lock(
    record: Record, writer: LogWriter, clock: FixedClock, home: Home
) -> None:
    writer.begin("u1")
    writer.log.flush()
    assert [update.state for update in record.updates()] == ["KILLED"]
    with exclusive(home, clock, "update u1"):
        assert [update.state for update in record.updates()] == ["RUNNING"]


def test_record_of_a_lakehouse_that_was_deleted_and_begun_anew_forgets_the_old_one(
    record: Record, writer: LogWriter, home: Home, clock: FixedClock
) -> None:
    import shutil

    from tests.events.log_writer import LogWriter as NewWriter

    writer.whole("u1", 10)
    assert [update.update_id for update in record.updates()] == ["u1"]
    shutil.rmtree(home.root)
    NewWriter(home, clock).whole("u2", 1)
    assert [update.update_id for update in record.updates()] == ["u2"]
    shutil.rmtree(home.root)
    assert record.updates() == []


def test_update_is_found_by_how_its_id_begins(record: Record, writer: LogWriter) -> None:
    for update in ("ab1", "ab2", "cd1"):
        writer.whole(update, 3)
    found = record.update("cd")
    assert found is not None
    assert (found.update_id, found.rows_in) == ("cd1", 3)
    newest = record.update()
    assert newest is not None
    assert newest.update_id == "cd1"
    for wrong, said in (("ab", "2 updates have"), ("zz", "No update has")):
        with pytest.raises(UnknownUpdateError, match=f"{said} an id that begins with `{wrong}`"):
            record.update(wrong)


def test_update_is_read_from_its_own_files_alone(home: Home, writer: LogWriter) -> None:
    for number in range(10):
        writer.whole(f"{number}-update", 3)
    log = DeltaTable(writer.log.path)
    for file in log.file_uris():
        if file not in log.file_uris(file_pruning_predicate="origin['update_id'] = '4-update'"):
            Path(url2pathname(file)).unlink()
    found = Record(home, SCHEMA).update("4-upd")
    assert found is not None
    assert (found.update_id, found.rows_in) == ("4-update", 3)


def test_totals_and_expectations_go_over_all_updates(record: Record, writer: LogWriter, clock: FixedClock) -> None:
    writer.whole("u1", 10, dropped=2, warned=3)
    clock.advance(timedelta(minutes=5))
    writer.whole("u2", 4)
    assert record.totals() == {"orders": 14, "paid_orders": 12}
    later = NOON + timedelta(minutes=5)
    assert record.expectations("paid_orders") == {
        "known_customer": [RuleOutcome("u2", later, 4, 0), RuleOutcome("u1", NOON, 8, 2)],
        "small": [RuleOutcome("u2", later, 4, 0), RuleOutcome("u1", NOON, 7, 3)],
    }
    newest = record.expectations("paid_orders", limit=1)
    assert newest == {name: [RuleOutcome("u2", later, 4, 0)] for name in ("known_customer", "small")}
    assert record.expectations("orders") == record.expectations("unknown") == {}


def test_log_that_cannot_be_read_is_one_sentence(record: Record, writer: LogWriter) -> None:
    writer.whole("u1", 1)
    for file in writer.log.path.glob("*.parquet"):
        file.write_bytes(b"broken")
    with pytest.raises(EnvironmentFaultError, match=r"The event log .* cannot be read"):
        record.updates()


def test_record_is_imported_without_spark_and_without_great_expectations() -> None:
    program = (
        "import sys, pipeline.events.history, pipeline.events.stored_log;"
        "sys.exit(str({'pyspark', 'great_expectations', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
