"""What the views tell, compared with the tables they read, in a warehouse inside the tests' session."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from alerts.catalogue import SHIPPED, load_alerts
from alerts.evaluate import evaluate
from alerts.settings import Settings
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import CHECKOUT, Home
from pipeline.notification.destination import OutboxDestination
from pipeline.settings import load_settings
from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.conftest import NOON, TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

VIEWS = {
    file.stem
    for folder in ("pipeline/warehouse/views", "pipeline/smart_factory_views")
    for file in (CHECKOUT / folder).glob("*.sql")
}
OVER_EVENTS = [
    file
    for file in sorted((CHECKOUT / "pipeline" / "warehouse" / "views").glob("*.sql"))
    if "get_json_object" in file.read_text(encoding="utf-8")
]


@dataclass
class Story:
    """A lakehouse, a warehouse that was there before it, and what was answered on the way."""

    lakehouse: TestLakehouse
    warehouse: EmbeddedWarehouse
    complaints: list[str]
    listed: dict[str, list[str]] = field(default_factory=dict)

    def ask(self, sql: str) -> list[dict[str, Any]]:
        answer = self.warehouse.query(sql)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def names(self) -> list[str]:
        return sorted(str(row["tableName"]) for row in self.ask("SHOW TABLES"))

    def progress(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return origin and details of every event of progress."""
        events = self.lakehouse.rows("event_log", "origin", "details", "event_type", "sequence", by="sequence")
        return [
            (event["origin"], json.loads(event["details"])["flow_progress"])
            for event in events
            if event["event_type"] == "flow_progress"
        ]


def paths_read(sql: str) -> set[str]:
    """Return the paths into an event's `details` that a view's SQL names."""
    begins = {
        "details": "",
        **{alias: f"{path}." for path, alias in re.findall(r"\(details, '\$\.([\w.]+)'\) AS (metrics|quality)", sql)},
    }
    found = set()
    for source, path, fields in re.findall(
        r"get_json_object\((\w+), '\$\.([\w.]+)'\)(?:,\s*'[^']*struct<([^']+)>')?", sql
    ):
        found.add(begins[source] + path)
        found |= {f"{begins[source]}{path}.{field.split()[0]}" for field in re.split(r", *", fields) if field}
    return found


def paths_in(node: Any, begin: str = "") -> set[str]:
    """Return every path in an event's `details`, through lists too."""
    if isinstance(node, list):
        return {path for entry in node for path in paths_in(entry, begin)}
    if not isinstance(node, dict):
        return set()
    inner = {path for key, value in node.items() for path in paths_in(value, f"{begin}{key}.")}
    return inner | {begin + key for key in node}


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    lakehouse = TestLakehouse(spark, Home(tmp_path_factory.mktemp("views") / "a home"), FixedClock(NOON))
    complaints: list[str] = []
    warehouse = EmbeddedWarehouse(spark, lakehouse.home, load_settings(), complaints.append)
    story = Story(lakehouse, warehouse, complaints)
    story.listed["empty"] = story.names()
    lakehouse.land("a.json", [reading(temperature_celsius=41.5), reading("MFG-B-2000"), reading(None)])
    assert lakehouse.update().state == "COMPLETED"
    story.listed["first"] = story.names()
    story.listed["columns before"] = [row["col_name"] for row in story.ask("DESCRIBE sensor_readings")]
    story.listed["humidity before"] = [row["h"] for row in story.ask("SELECT humidity_percent h FROM sensor_readings")]
    lakehouse.land("b.json", [reading(at="2026-02-28T08:00:00", humidity_percent=44.5)])
    lakehouse.land("c.json.gz", gzip.compress(b'{"device_id": "MFG-A-1000"}')[:12])
    assert lakehouse.update().state == "COMPLETED"
    alert = load_alerts(SHIPPED, ["overheating_equipment"], NOON)[0]
    outbox = OutboxDestination(lakehouse.home.state / "outbox.jsonl", lambda _: None)
    evaluate(alert, warehouse, Settings(lakehouse.home), lakehouse.clock, destinations=[outbox])
    return story


def test_empty_lakehouse_has_no_tables_and_new_ones_appear(story: Story) -> None:
    assert story.listed["empty"] == []
    assert set(story.listed["first"]) == {*TABLES, "event_log", *VIEWS} - {"alert_history"}
    assert set(story.names()) == {*TABLES, "event_log", "alert_evaluations", *VIEWS}
    assert story.complaints == []


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_view_can_be_read_and_is_documented(story: Story, view: str) -> None:
    assert story.ask(f"SELECT * FROM {view}")  # noqa: S608
    assert f"| `{view}` |" in (CHECKOUT / "docs" / "warehouse.md").read_text(encoding="utf-8")


def test_sensor_readings_are_silver_with_later_columns_as_null_until_they_exist(story: Story) -> None:
    assert story.listed["columns before"][-1] == "humidity_percent"
    assert story.listed["humidity before"] == [None, None]
    silver = story.lakehouse.rows("silver_cleaned_sensors", by="record_id")
    for row in silver:
        row["event_timestamp"] = row["event_timestamp"].replace(tzinfo=None)
        row["ingestion_timestamp"] = row["ingestion_timestamp"].replace(tzinfo=None)
    assert story.ask("SELECT * FROM sensor_readings ORDER BY record_id") == silver
    assert Counter(row["humidity_percent"] for row in silver) == {None: 2, 44.5: 1}


@pytest.mark.parametrize("file", OVER_EVENTS, ids=lambda file: file.stem)
def test_view_reads_from_events_only_what_the_engine_writes(story: Story, file: Path) -> None:
    written = {
        path
        for event in story.lakehouse.rows("event_log", "details")
        for path in paths_in(json.loads(event["details"]))
    }
    assert paths_read(file.read_text(encoding="utf-8")) - written == set()


def test_event_log_details_are_the_event_log_with_details_parsed(story: Story) -> None:
    asked = story.ask("SELECT id, details:flow_progress.status::string AS status FROM event_log_details")
    events = story.lakehouse.rows("event_log", "id", "details")
    status = {event["id"]: json.loads(event["details"]).get("flow_progress", {}).get("status") for event in events}
    assert {row["id"]: row["status"] for row in asked} == status
    assert "COMPLETED" in status.values()


def test_data_quality_has_a_row_for_each_update_flow_batch_and_expectation(story: Story) -> None:
    expected = [
        (origin["update_id"], origin["flow_name"], origin["batch_id"], rule["name"], rule["action"],
         rule["passed_records"], rule["failed_records"])
        for origin, details in story.progress()
        for rule in details.get("data_quality", {}).get("expectations", ())
    ]  # fmt: skip
    rows = story.ask("SELECT update_id, flow, batch_id, expectation, action, passed, failed FROM data_quality")
    assert sorted(map(str, (tuple(row.values()) for row in rows))) == sorted(map(str, expected))
    assert {"valid_device_id", "high_temperature"} <= {row["expectation"] for row in rows if row["failed"]}


def test_flow_metrics_add_up_to_the_tables(story: Story) -> None:
    asked = story.ask("SELECT dataset, sum(written_rows - deleted_rows) AS net FROM flow_metrics GROUP BY dataset")
    held = {table: len(story.lakehouse.rows(table)) for table in TABLES}
    assert {row["dataset"]: row["net"] for row in asked} == held


def test_update_history_has_a_row_for_each_update(story: Story) -> None:
    rows = story.ask("SELECT * FROM update_history ORDER BY started_at, rows_written DESC")
    assert [(row["cause"], row["state"], row["errors"], row["error_message"]) for row in rows] == [
        ("TEST", "COMPLETED", 0, None)
    ] * 2
    written = sum(details.get("metrics", {}).get("num_output_rows", 0) for _, details in story.progress())
    assert sum(row["rows_written"] for row in rows) == written


def test_ingestion_files_have_the_state_of_each_file(story: Story) -> None:
    rows = story.ask("SELECT file_name, state, rows, size_bytes, table_name FROM ingestion_files ORDER BY file_name")
    assert [(row["file_name"], row["state"], row["rows"]) for row in rows] == [
        ("a.json", "ingested", 3),
        ("b.json", "ingested", 1),
        ("c.json.gz", "set aside", 1),
    ]
    known = {record.path.rpartition("/")[2]: record for record in story.lakehouse.files().values()}
    assert {row["file_name"]: row["state"] for row in rows} == {name: one.state for name, one in known.items()}


def test_alert_history_has_a_row_for_each_evaluation(story: Story) -> None:
    (row,) = story.ask("SELECT alert, state, notified FROM alert_history")
    (kept,) = story.lakehouse.rows("alert_evaluations", "alert", "state", "notified")
    assert row == kept
    assert row["alert"] == "Overheating Equipment Alert"


def test_session_beside_the_embedded_warehouse_stays_unguarded(story: Story) -> None:
    spark = story.lakehouse.spark
    assert spark.catalog.currentDatabase() == "default"
    # It is not guarded: the pipeline writes through it.
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW of_its_own AS SELECT 1 AS a")
    spark.sql("DROP VIEW of_its_own")


def test_second_lakehouse_in_the_same_session_is_served_its_own_tables(story: Story) -> None:
    other = story.lakehouse.beside("another home")
    other.land("a.json", [reading("MFG-A-1009")])
    assert other.update().state == "COMPLETED"
    complaints: list[str] = []
    beside = EmbeddedWarehouse(other.spark, other.home, load_settings(), complaints.append)
    assert [tuple(row) for row in beside.query("SELECT device_id FROM sensor_readings").rows] == [("MFG-A-1009",)]
    assert complaints == []
