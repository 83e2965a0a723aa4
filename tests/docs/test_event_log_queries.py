"""The statements and queries of docs/event-log.md, checked against the event log of real updates."""

from __future__ import annotations

import getpass
import re
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException

from pipeline.events.event import SCHEMA, Origin
from pipeline.settings import load_settings
from pipeline.warehouse.views import load_views
from tests.conftest import TABLES
from tests.docs.conftest import EVENT_LOG_PAGE as PAGE

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES
QUERIES = dict(re.findall(r"^### (.+?)\n.*?^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_every_query_of_the_page_returns_what_the_page_says(logged: TestLakehouse) -> None:
    def ask(heading: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in logged.spark.sql(unasked.pop(heading)).collect()]

    unasked = dict(QUERIES)

    failed, done = ask("Updates: cause, last state, duration")
    assert (failed[1:3], done[1:3]) == (("TEST", "FAILED"), ("TEST", "COMPLETED"))
    expectations = ask("Expectations: passed and failed")
    assert len(expectations) == 7
    assert expectations[:3] == [
        (SILVER, "high_temperature", "warn", 3, 1),
        (SILVER, "valid_device_id", "drop", 3, 1),
        (SILVER, "known_device", "warn", 4, 0),
    ]
    assert ask("Flow metrics") == [
        (BRONZE, 2, 4, 4, 0, None),
        (SILVER, 2, 4, 3, 0, 1),
        (QUARANTINE, 2, 1, 1, 0, None),
        (GOLD, 1, 2, 1, 0, None),
        (STATUS, 2, 3, 1, 0, None),
    ]
    assert ask("Lineage") == [
        ("landing/sensor_readings", BRONZE, "APPEND"),
        (SILVER, STATUS, "MATERIALIZED_VIEW"),
        (SILVER, GOLD, "MATERIALIZED_VIEW"),
        (BRONZE, SILVER, "APPEND"),
        (SILVER, QUARANTINE, "APPEND"),
    ]
    assert [row[0] for row in ask("Backlog")] == sorted(TABLES)
    failures = ask("Failures and their root causes")
    assert {row[1] for row in failures} == {failed[0]}
    assert {row[2] for row in failures} == {None, GOLD}
    assert all(row[3] and row[4] for row in failures)
    assert [row[1:] for row in ask("Who did what")] == [(getpass.getuser(), "START")] * 2
    assert unasked == {}


def test_columns_types_and_details_of_the_log_match_the_page(logged: TestLakehouse) -> None:
    events = logged.rows("event_log", by="sequence")
    assert list(dict.fromkeys(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE, re.MULTILINE))) == SCHEMA.names
    named = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert {event["event_type"] for event in events} <= set(named)
    for event in events:
        for details in logged.logged(event["event_type"]):
            assert [key for key in details if f"`{key}`" not in named[event["event_type"]]] == []
    for key in {key for metrics in map(logged.metrics, TABLES) for batch in metrics for key in batch}:
        assert f"`{key}`" in PAGE
    assert [name for name in Origin.__dataclass_fields__ if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("heading", QUERIES)
def test_query_returns_the_same_on_the_warehouse_s_view(logged: TestLakehouse, heading: str) -> None:
    (view,) = [view for view in load_views(load_settings().file) if view.name == "event_log_details"]
    logged.spark.sql(view.query("event_log", [])).createOrReplaceTempView("details_of_the_warehouse")
    there = logged.spark.sql(QUERIES[heading].replace("event_log_details", "details_of_the_warehouse")).collect()
    assert there == logged.spark.sql(QUERIES[heading]).collect()
    logged.spark.catalog.dropTempView("details_of_the_warehouse")


def test_text_column_accepts_no_path_on_open_spark(logged: TestLakehouse) -> None:
    with pytest.raises((AnalysisException, Py4JJavaError), match="VARIANT"):
        logged.spark.sql("SELECT details:update_progress.state FROM event_log").collect()
