"""Tables whose query keeps state: they equal it whatever lands, in which order, and whatever is cut short."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.flows.judged_write import ExpectationViolatedError
from tests.flows.messages import GUARDED_HOURS, GUARDED_ONCE, ONCE, land, messages, rows
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

COUNTED = """
@table(expectations="counted", quarantine="busy")
def counted():
    return read_stream("messages").groupBy("device").agg(F.count("*").alias("readings"), F.max("value").alias("most"))

@table
def busy():
    return read_quarantine("counted")
"""


def at_most(count: int, action: str = "drop") -> dict[str, Any]:
    return expectation("column_values_to_be_between", "calm", action, column="readings", max_value=count)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def assert_counted(home: TestLakehouse, *tables: str) -> None:
    assert home.counted_by_events(*tables) == {table: len(home.rows(table)) for table in tables}


def forget_newest_batch(home: TestLakehouse, table: str) -> None:
    """Leave a flow's checkpoint as a kill does after everything else was done."""
    newest = max((home.home.state / "checkpoints" / "messages" / table).glob("*/commits/[0-9]*"), key=_number)
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink(missing_ok=True)


def _number(file: Path) -> int:
    return int(file.name)


@pytest.mark.usefixtures("amount")
def test_duplicates_are_dropped_across_updates(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    land(home, "a.json", ("m1", "P1"), ("m1", "P1"), ("m2", "P1"))
    assert home.update().state == "COMPLETED"
    land(home, "b.json", ("m2", "P9"), ("m3", "P1"))
    assert home.update().state == "COMPLETED"
    land(home, "c.json", ("m1", "P1"))
    assert home.update().state == "COMPLETED"
    assert home.update().state == "COMPLETED"

    assert rows(home, "once", "id", "device") == [("m1", "P1"), ("m2", "P1"), ("m3", "P1")]
    assert_counted(home, "messages", "once")


def test_batch_that_runs_again_moves_the_state_and_writes_nothing(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    land(home, "a.json", ("m1", "P1"), ("m2", "P1"))
    home.update()
    forget_newest_batch(home, "once")
    assert home.update().state == "COMPLETED"
    land(home, "b.json", ("m1", "P1"), ("m3", "P1"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "once", "id") == [("m1",), ("m2",), ("m3",)]
    assert_counted(home, "once")


def test_rejected_row_of_a_table_without_duplicates_is_quarantined_once(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    known = expectation("column_values_to_not_be_null", "known", "drop", column="device")
    home = messages(lakehouse, tmp_path, GUARDED_ONCE, once=[known])
    land(home, "a.json", ("m1", "P1"), ("m2", None), ("m2", None))
    assert home.update().state == "COMPLETED"
    land(home, "b.json", ("m2", "P1"), ("m3", "P1"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "once", "id", "device") == [("m1", "P1"), ("m3", "P1")]
    assert rows(home, "unknown", "id", "device", "failed_expectations") == [("m2", None, ["known"])]
    assert_counted(home, "once", "unknown")


@pytest.mark.usefixtures("amount")
def test_aggregate_without_a_watermark_is_replaced_with_its_quarantine(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, COUNTED, counted=[at_most(2)])
    land(home, "a.json", ("1", "P1", "08:00", 5.0), ("2", "P2", "08:00", 7.0), ("3", None, "08:00", 1.0))
    assert home.update().state == "COMPLETED"
    assert rows(home, "counted", "device", "readings", "most") == [("P1", 1, 5.0), ("P2", 1, 7.0), (None, 1, 1.0)]
    assert rows(home, "busy", "device") == []
    land(home, "b.json", ("4", "P1", "01:00", 9.0), ("5", "P1", "01:00", 2.0))
    assert home.update().state == "COMPLETED"

    assert rows(home, "counted", "device", "readings", "most", "warnings") == [
        ("P2", 1, 7.0, []), (None, 1, 1.0, []),
    ]  # fmt: skip
    assert rows(home, "busy", "device", "readings", "most", "failed_expectations") == [("P1", 3, 9.0, ["calm"])]
    assert_counted(home, "counted", "busy")


@pytest.mark.usefixtures("amount")
def test_groups_with_a_watermark_are_replaced_by_their_keys_and_move_to_the_quarantine(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, GUARDED_HOURS, hours=[at_most(2)])
    land(home, "a.json", ("1", "P1", "08:10"), ("2", None, "08:10"), ("3", "P1", "09:30"))
    assert home.update().state == "COMPLETED"
    assert rows(home, "hours", "device", "start", "readings") == [("P1", at(8), 1), ("P1", at(9), 1), (None, at(8), 1)]
    late = ("4", None, "08:20")
    land(home, "b.json", late, ("5", "P1", "09:40"), ("6", "P1", "09:50"), ("7", "P1", "12:00"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "hours", "device", "start", "readings") == [("P1", at(12), 1), ("P1", at(8), 1), (None, at(8), 2)]
    assert rows(home, "busy_hours", "device", "start", "readings", "failed_expectations") == [
        ("P1", at(9), 3, ["calm"])
    ]
    too_late = ("8", "P1", "08:40")
    land(home, "c.json", too_late, ("9", "P1", "12:10"))
    assert home.update().state == "COMPLETED"
    assert rows(home, "hours", "device", "start", "readings") == [("P1", at(12), 2), ("P1", at(8), 1), (None, at(8), 2)]
    assert_counted(home, "hours", "busy_hours")


@pytest.mark.parametrize(
    ("tables", "suite", "table", "quarantine"),
    [(COUNTED, "counted", "counted", "busy"), (GUARDED_HOURS, "hours", "hours", "busy_hours")],
    ids=["complete", "update"],
)
def test_quarantine_gets_what_its_table_left_out_though_the_rules_changed_since(
    lakehouse: TestLakehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tables: str,
    suite: str,
    table: str,
    quarantine: str,
) -> None:
    home = messages(lakehouse, tmp_path, tables, **{suite: [at_most(1)]})
    land(home, "a.json", ("1", "P1", "08:00", 1.0), ("2", "P1", "08:00", 1.0), ("3", "P2", "08:00", 1.0))
    append, replace = Table.append, Table.replace

    def failing(write: Any) -> Any:
        def fails_at_quarantine(self: Table, *given: Any) -> Any:
            if self.path.name == quarantine:
                raise OSError(28, "No space left on device")
            return write(self, *given)

        return fails_at_quarantine

    monkeypatch.setattr(Table, "append", failing(append))
    monkeypatch.setattr(Table, "replace", failing(replace))
    assert home.update().statuses[table] == "FAILED"
    monkeypatch.undo()
    assert rows(home, table, "device", "readings") == [("P2", 1)]
    write_suite(tmp_path / "suites", suite, at_most(9))
    land(home, "b.json", ("4", "P3", "08:00", 1.0))
    assert home.update(refresh=(table,)).state == "COMPLETED"

    everything = rows(home, table, "device", "readings") + rows(home, quarantine, "device", "readings")
    assert sorted(everything) == [("P1", 2), ("P2", 1), ("P3", 1)]
    assert_counted(home, table, quarantine)


def test_fail_rule_stops_a_table_with_state_which_goes_on_once_it_is_corrected(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, COUNTED, counted=[at_most(1, "fail")])
    land(home, "a.json", ("1", "P1", "08:00", 1.0))
    assert home.update().state == "COMPLETED"
    land(home, "b.json", ("2", "P1", "08:00", 2.0))
    result = home.update()
    assert isinstance(result.errors["counted"], ExpectationViolatedError)
    assert rows(home, "counted", "device", "readings") == [("P1", 1)]

    write_suite(tmp_path / "suites", "counted", at_most(8))
    assert home.update().state == "COMPLETED"
    assert rows(home, "counted", "device", "readings", "most") == [("P1", 2, 2.0)]
    assert_counted(home, "counted", "busy")


def test_view_over_groups_follows_every_change_of_them(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    view = """
@materialized_view
def calm_total():
    return read("hours").agg(F.sum("readings").alias("readings"), F.count("*").alias("hours"))
"""
    home = messages(lakehouse, tmp_path, GUARDED_HOURS + view, hours=[at_most(1)])
    land(home, "a.json", ("1", "P1", "08:10"))
    home.update()
    assert rows(home, "calm_total", "readings", "hours") == [(1, 1)]
    land(home, "b.json", ("2", "P1", "08:20"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "hours", "device") == []
    assert rows(home, "busy_hours", "readings") == [(2,)]
    assert rows(home, "calm_total", "readings", "hours") == [(None, 0)]
