"""What each chart shows on an empty lakehouse and after each act, asked over Superset's REST API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from bundle import load_assets

if TYPE_CHECKING:
    from tests.superset.conftest import Plant

pytestmark = [pytest.mark.superset, pytest.mark.spark]

Rows = list[dict[str, Any]]
STAGES = ("empty", "happy path", "late data", "schema change", "calm", "hot")
# What a chart shows at each stage: 0 no rows, 1 rows; + rows, and other ones than a stage before.
EXPECTED = {
    "average_temperature_by_location": "0 + + + + +",
    "devices_reporting_now": "0 + 1 1 + 1",
    "devices_overheating_now": "0 + 1 1 1 +",
    "devices_gone_silent": "0 + 1 1 + 1",
    "age_of_newest_reading": "0 + + + + +",
    "hottest_devices": "0 + 1 1 1 +",
    "overheating_alert_state": "0 0 0 0 + +",
    "temperature_by_hour_and_floor": "0 + + + + +",
    "humidity_by_hour_and_floor": "0 0 0 + 1 1",
    "heat_map_device_by_hour": "0 + + + + +",
    "vibration_against_temperature": "0 + + + + +",
    "readings_per_minute": "0 + + + + +",
    "last_reading_of_each_device": "0 + + + + +",
    "pipeline_graph": "0 + + + + +",
    "table_health": "0 + + + + +",
    "age_of_last_update": "0 + + + + +",
    "failed_updates": "0 + 1 1 1 1",
    "readings_in_quarantine": "0 + 1 1 1 1",
    "files_set_aside": "0 + 1 1 1 1",
    "updates_over_time": "0 + + + + +",
    "recent_updates": "0 + + + + +",
    "rows_written_over_time": "0 + + + + +",
    "rows_by_table_and_update": "0 + + + + +",
    "expectation_pass_rate": "0 + 1 1 1 1",
    "worst_expectations": "0 + + + + +",
    "quarantine_by_reason": "0 + 1 1 1 1",
    "quarantine_samples": "0 + 1 1 1 1",
    "ingested_files": "0 + + + + +",
    "schema_versions": "0 + 1 + 1 1",
    "late_rows": "0 + + 1 1 1",
    "alert_evaluations": "0 0 0 0 + +",
    "errors": "0 0 0 0 0 0",
}


@dataclass
class Story:
    shown: dict[str, dict[str, Rows]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(plant: Plant) -> Story:
    story = Story()
    client = plant.server.client()
    # This file's name puts it before those that fill the same lakehouse.
    assert not plant.lakehouse.path("event_log").exists()

    def show(stage: str) -> None:
        story.shown[stage] = client.all_rows()

    show("empty")
    plant.generate("batch", "--at", "-6h", "--seed", "7")
    plant.update()
    # The warehouse looks for new tables once a second.
    plant.see_tables()
    show("happy path")
    plant.generate("late", "--seed", "8")
    plant.update()
    show("late data")
    plant.generate("schema-change", "--at", "-6h", "--seed", "9")
    plant.update()
    plant.see_tables()
    show("schema change")
    plant.generate("batch", "--anomaly-rate", "0", "--seed", "10")
    plant.update()
    plant.check_alerts()
    plant.see_tables()
    show("calm")
    plant.generate("trigger-event", "--seed", "11")
    plant.update()
    plant.check_alerts()
    show("hot")
    return story


def test_table_of_expectations_names_every_chart_and_no_other() -> None:
    charts = {asset.path.rpartition("/")[2][:-5] for asset in load_assets() if asset.kind == "charts"}
    assert EXPECTED.keys() == charts


@pytest.mark.parametrize("chart", EXPECTED)
def test_chart_shows_what_the_act_is_about(story: Story, chart: str) -> None:
    before: Rows = []
    for stage, expected in zip(STAGES, EXPECTED[chart].split(), strict=True):
        rows = story.shown[stage][chart]
        if expected == "0":
            assert rows == [], stage
        else:
            assert rows, stage
        if expected == "+":
            assert rows != before, stage
        before = rows


def test_charts_without_rows_after_an_update_of_now_are_few(story: Story) -> None:
    for stage in ("calm", "hot"):
        without = [chart for chart, rows in story.shown[stage].items() if not rows]
        assert len(without) <= len(EXPECTED) / 4, without


def test_overheating_is_calm_after_the_calm_batch_and_counts_devices_after_the_trigger(story: Story) -> None:
    def of(stage: str, chart: str, name: str) -> Any:
        return story.shown[stage][chart][0][name]

    assert of("calm", "devices_overheating_now", "devices_hot") == 0
    assert of("hot", "devices_overheating_now", "devices_hot") > 0
    assert of("calm", "overheating_alert_state", "state") == "OK"
    assert of("hot", "overheating_alert_state", "state") == "TRIGGERED"
    assert of("hot", "overheating_alert_state", "rows") == of("hot", "devices_overheating_now", "devices_hot")
    assert of("hot", "hottest_devices", "hottest_temperature") > 40
    assert of("hot", "last_reading_of_each_device", "status") == "hot"


def test_numbers_agree_with_the_tables(story: Story, plant: Plant) -> None:
    counts = {
        table: len(plant.lakehouse.rows(table, column))
        for table, column in (
            ("bronze_sensor_readings", "record_id"),
            ("silver_cleaned_sensors", "record_id"),
            ("silver_quarantined_sensors", "record_id"),
            ("gold_hourly_device_summary", "device_id"),
        )
    }
    shown = story.shown["hot"]
    assert {row["dataset"]: row["table_rows"] for row in shown["table_health"]} == counts
    assert {row["dataset"]: row["rows_held"] for row in shown["pipeline_graph"]} == counts
    quarantined = plant.lakehouse.rows("silver_quarantined_sensors", "failed_expectations")
    reasons = [reason for row in quarantined for reason in row["failed_expectations"]]
    assert sum(row["quarantined"] for row in shown["quarantine_by_reason"]) == len(reasons)
    assert shown["readings_in_quarantine"][0]["rows_dropped"] == counts["silver_quarantined_sensors"]
    readings = plant.lakehouse.rows("silver_cleaned_sensors", "location", "temperature_celsius")
    for row in shown["average_temperature_by_location"]:
        of_floor = [r["temperature_celsius"] for r in readings if r["location"] == row["location"]]
        assert row["average"] == pytest.approx(sum(of_floor) / len(of_floor), rel=1e-9)
    minutes = shown["readings_per_minute"]
    assert sum(value or 0 for row in minutes for key, value in row.items() if key != "minute") == len(readings)
    assert len(shown["ingested_files"]) == len(plant.lakehouse.files())
    gold = plant.lakehouse.rows("gold_hourly_device_summary", "reading_count")
    assert sum(row["reading_count"] for row in gold) == len(readings)
