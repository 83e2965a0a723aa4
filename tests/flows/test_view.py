from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.flows.stretches import stretches
from pipeline.foundation.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "most", "expected"),
    [
        pytest.param([], 3, [], id="none"),
        pytest.param([5], 3, [(5, 6)], id="one"),
        pytest.param([7, 5, 6], 3, [(5, 8)], id="adjacent_in_any_order"),
        pytest.param([1, 1, 3], 3, [(1, 2), (3, 4)], id="twice_the_same"),
        pytest.param([0, 5, 7, 20], 3, [(0, 1), (5, 8), (20, 21)], id="smallest_gap_joined"),
        pytest.param([0, 5, 20], 1, [(0, 21)], id="all_joined"),
    ],
)
def test_windows_become_few_stretches_that_hold_all_of_them(
    hours: list[int], most: int, expected: list[tuple[int, int]]
) -> None:
    found = stretches([MIDNIGHT + hour * HOUR for hour in hours], HOUR, most)
    assert found == [(MIDNIGHT + first * HOUR, MIDNIGHT + last * HOUR) for first, last in expected]


_VIEWS = """
from pyspark.sql import functions as F
from pipeline import TimeWindow, materialized_view, read, read_files, table
from datetime import timedelta

@table
def events():
    raw = read_files("events", schema_hints="device STRING, at STRING, value DOUBLE")
    return raw.select("record_id", "device", F.to_timestamp("at").alias("at"), "value")

def grouped(*window):
    return read("events").groupBy("device", F.window(*window)).agg(F.count("*").alias("n"), F.sum("value").alias("total"))

@materialized_view
def hot():
    return grouped("at", "1 hour").where("total > 40").select("device", F.col("window.start").alias("since"), "n")

@materialized_view(keys=["device"], time_window=TimeWindow("at", timedelta(days=1), zone="Europe/Berlin"))
def days():
    local = F.from_utc_timestamp("at", "Europe/Berlin")
    return grouped(local, "1 day").select("device", F.col("window.end").alias("till"), "n", "total")

@materialized_view
def seen():
    return grouped("at", "1 hour").select("device", "window.start")

@materialized_view
def again():
    return read("hot").groupBy("device").count()

@materialized_view
def stamped():
    return read("events").groupBy("device").agg(F.count("*").alias("n")).withColumn("stamp", F.expr("uuid()"))
"""


@pytest.fixture
def home(lakehouse: TestLakehouse, tmp_path: Path) -> TestLakehouse:
    """A lakehouse of views over events, each of a device, a time and a value."""
    return lakehouse.running(tmp_path, _VIEWS, "views", "views")


def land(home: TestLakehouse, name: str, *rows: tuple[str, str, float]) -> None:
    records = [{"device": device, "at": time, "value": value} for device, time, value in rows]
    home.land(name, records, folder="events")


def held(home: TestLakehouse, view: str, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[column] for column in columns) for row in home.rows(view))


def operations(home: TestLakehouse, view: str) -> list[str]:
    """Return what each commit of a view did, the newest first."""
    return [str(commit.info["operation"]) for commit in Table(home.path(view)).log.newest_first()]


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("amount", ["few", "many"], indirect=True)
def test_groups_fall_out_and_appear_through_old_and_new_rows_together(home: TestLakehouse, amount: str) -> None:
    assert amount
    hour = datetime(2026, 3, 1, 10, tzinfo=UTC)
    land(home, "a.json", ("P1", "2026-03-01T10:05:00Z", 45.0), ("P2", "2026-03-01T10:05:00Z", 30.0))
    land(home, "a2.json", ("P5", "2026-03-01T10:07:00Z", 50.0), ("P6", "2026-03-01T12:07:00Z", 50.0))
    assert home.update().state == "COMPLETED"
    assert held(home, "hot", "device", "n") == [("P1", 1), ("P5", 1), ("P6", 1)]

    late = [
        ("P1", "2026-03-01T10:20:00Z", -10.0),
        ("P2", "2026-03-01T10:20:00Z", 20.0),
        ("P3", "2026-03-01T10:30:00Z", 9.0),
    ]
    land(home, "b.json", *late)
    assert home.update().state == "COMPLETED"

    assert held(home, "hot", "device", "since", "n") == [
        ("P2", hour, 2), ("P5", hour, 1), ("P6", hour + 2 * HOUR, 1),
    ]  # fmt: skip
    assert operations(home, "hot")[0] == "MERGE"
    assert held(home, "again", "device", "count") == [("P2", 1), ("P5", 1), ("P6", 1)]
    assert home.counted_by_events("hot") == {"hot": 3}

    land(home, "c.json", *((device, f"2026-03-01T{time}:00Z", -99.0) for device, time in
                           [("P2", "10:00"), ("P5", "10:00"), ("P6", "12:00")]))  # fmt: skip
    assert home.update().state == "COMPLETED"

    assert (held(home, "hot", "device"), held(home, "again", "device")) == ([], [])


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("amount", ["few", "many"], indirect=True)
def test_local_days_are_as_long_as_the_clock_of_their_zone_says(home: TestLakehouse, amount: str) -> None:
    # In Berlin the day began at 23:00 UTC in winter, and begins at 22:00 since the clocks went forward on March 29.
    assert amount
    land(
        home,
        "a.json",
        ("P1", "2026-03-28T22:59:00Z", 1.0),
        ("P1", "2026-03-28T23:00:00Z", 2.0),
        ("P1", "2026-03-29T22:00:00Z", 4.0),
    )
    assert home.update().state == "COMPLETED"
    land(
        home,
        "b.json",
        ("P1", "2026-03-29T21:59:59Z", 8.0),
        ("P1", "2026-03-28T00:00:00Z", 16.0),
        ("P2", "2026-03-30T21:00:00Z", 32.0),
    )
    assert home.update().state == "COMPLETED"

    def midnight(day: int) -> datetime:
        return datetime(2026, 3, day, tzinfo=UTC)

    assert held(home, "days", "device", "till", "n", "total") == [
        ("P1", midnight(29), 2, 17.0), ("P1", midnight(30), 2, 10.0), ("P1", midnight(31), 1, 4.0),
        ("P2", midnight(31), 1, 32.0),
    ]  # fmt: skip
    assert operations(home, "days")[0] == "MERGE"
    assert len(held(home, "seen", "device", "start")) == 6


@pytest.mark.spark
def test_view_that_changes_by_itself_is_computed_once_in_every_update(home: TestLakehouse) -> None:
    land(home, "a.json", ("P1", "2026-03-01T10:05:00Z", 45.0))
    assert home.update().state == "COMPLETED"
    first = held(home, "stamped", "device", "n", "stamp")
    assert home.version("stamped") == 0

    assert home.update().state == "COMPLETED"

    second = held(home, "stamped", "device", "n", "stamp")
    assert (first[0][:2], second[0][:2], first == second) == (("P1", 1), ("P1", 1), False)
    assert (home.version("stamped"), home.version("hot")) == (1, 0)
    assert home.counted_by_events("stamped") == {"stamped": 1}


@pytest.mark.spark
@pytest.mark.slow
def test_group_that_old_and_new_rows_make_appear_is_found_among_many(home: TestLakehouse) -> None:
    rows = DEFAULT_LIMITS.few_rows + 10
    land(home, "a.json", *((f"P{number}", "2026-03-01T10:05:00Z", 30.0) for number in range(rows)))
    assert home.update().state == "COMPLETED"
    assert held(home, "hot", "device") == []
    land(home, "b.json", ("P7", "2026-03-01T10:15:00Z", 41.0), ("P1", "2026-03-01T11:15:00Z", 41.0))
    assert home.update().state == "COMPLETED"

    land(home, "c.json", ("P5", "2026-03-01T10:15:00Z", 11.0), ("P7", "2026-03-01T10:15:00Z", -50.0))
    assert home.update().state == "COMPLETED"

    assert held(home, "hot", "device", "n") == [("P1", 1), ("P5", 2)]
    assert operations(home, "hot")[0] == "MERGE"


@pytest.mark.spark
@pytest.mark.slow
def test_changed_query_is_computed_by_the_next_update_and_other_sources_need_a_full_refresh(
    home: TestLakehouse,
) -> None:
    land(home, "a.json", ("P1", "2026-03-01T10:05:00Z", 45.0), ("P2", "2026-03-01T10:05:00Z", 30.0))
    assert home.update().state == "COMPLETED"
    module = home.settings_file.with_name("views.py")
    module.write_text(_VIEWS.replace("total > 40", "total > 20"), encoding="utf-8")

    assert [home.update().state for _ in range(2)] == ["COMPLETED"] * 2

    assert held(home, "hot", "device") == [("P1",), ("P2",)]
    assert (home.version("hot"), home.version("days")) == (1, 0)
    assert home.counted_by_events("hot") == {"hot": 2}

    module.write_text(_VIEWS.replace('read("hot")', 'read("days")'), encoding="utf-8")
    result = home.update()

    assert "`again` reads `days`; it has read `hot` so far" in str(result.errors["again"])
    assert home.update(full_refresh=("again",)).state == "COMPLETED"
    assert held(home, "again", "device", "count") == [("P1", 1), ("P2", 1)]
