"""What docs/event-log.md says of the event log, held against a log that updates have written."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException

from pipeline.clock import FixedClock
from pipeline.event_log import SCHEMA, Origin
from pipeline.home import Home
from pipeline.settings import load_settings
from pipeline.warehouse.views import load_views
from tests.conftest import NOON, TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

BRONZE, SILVER, QUARANTINE, GOLD = TABLES
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "event-log.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^### (.+?)\n.*?^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestLakehouse]:
    """A log of two updates, the second of which fails at gold; event_log_details as the page makes it."""
    lakehouse = TestLakehouse(spark, Home(tmp_path_factory.mktemp("a home")), FixedClock(NOON))
    lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0)])
    lakehouse.update()
    lakehouse.path(GOLD).rename(lakehouse.home.root / "elsewhere")
    lakehouse.path(GOLD).write_text("a file in the way")
    lakehouse.land("b.json", [reading()])
    assert lakehouse.update().state == "FAILED"
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(program.replace("lakehouse/smart_factory", str(lakehouse.path("event_log").parent)), {})  # noqa: S102 - the page's own code
    yield lakehouse
    for view in ("event_log", "event_log_details"):
        spark.catalog.dropTempView(view)


def test_every_query_of_the_page_gives_what_it_says(told: TestLakehouse) -> None:
    def ask(heading: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in told.spark.sql(unasked.pop(heading)).collect()]

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
    ]
    assert ask("Lineage") == [
        ("landing/sensor_readings", BRONZE, "APPEND"),
        (SILVER, GOLD, "MATERIALIZED_VIEW"),
        (BRONZE, SILVER, "APPEND"),
        (SILVER, QUARANTINE, "APPEND"),
    ]
    assert [row[0] for row in ask("Backlog")] == sorted(TABLES)
    failures = ask("Failures, with what lies behind them")
    assert {row[1] for row in failures} == {failed[0]}
    assert {row[2] for row in failures} == {None, GOLD}
    assert all(row[3] and row[4] for row in failures)
    assert [row[1:] for row in ask("Who did what")] == [(getpass.getuser(), "START")] * 2
    assert unasked == {}


def test_columns_types_and_details_of_the_log_are_those_of_the_page(told: TestLakehouse) -> None:
    events = told.rows("event_log", by="sequence")
    assert list(dict.fromkeys(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE, re.MULTILINE))) == SCHEMA.names
    named = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert {event["event_type"] for event in events} <= set(named)
    for event in events:
        for details in told.told(event["event_type"]):
            assert [key for key in details if f"`{key}`" not in named[event["event_type"]]] == []
    for key in {key for metrics in map(told.metrics, TABLES) for batch in metrics for key in batch}:
        assert f"`{key}`" in PAGE
    assert [name for name in Origin.__dataclass_fields__ if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("heading", QUERIES)
def test_query_gives_the_same_on_the_view_of_the_warehouse(told: TestLakehouse, heading: str) -> None:
    (view,) = [view for view in load_views(load_settings().file) if view.name == "event_log_details"]
    told.spark.sql(view.query("event_log", [])).createOrReplaceTempView("details_of_the_warehouse")
    there = told.spark.sql(QUERIES[heading].replace("event_log_details", "details_of_the_warehouse")).collect()
    assert there == told.spark.sql(QUERIES[heading]).collect()
    told.spark.catalog.dropTempView("details_of_the_warehouse")


def test_text_column_takes_no_path_on_open_spark(told: TestLakehouse) -> None:
    with pytest.raises((AnalysisException, Py4JJavaError), match="VARIANT"):
        told.spark.sql("SELECT details:update_progress.state FROM event_log").collect()
