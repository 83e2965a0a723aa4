"""Updates from landing files to gold, on real tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from generators.plant import Plant
from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError, EnvironmentFaultError, PipelineBusyError, UnknownNameError
from pipeline.home.lock import exclusive
from tests.conftest import NOON, TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark


def test_update_over_two_batches_of_the_plant_reads_each_file_once_and_then_nothing(
    lakehouse: TestLakehouse,
) -> None:
    plant = Plant(lakehouse.home.landing / "sensor_readings", lakehouse.clock, seed=1)
    plant.batch()
    assert lakehouse.update().statuses == dict.fromkeys(TABLES, "COMPLETED")
    first = {row["record_id"]: row for row in lakehouse.rows("bronze_sensor_readings")}
    assert len(first) == 500
    lakehouse.clock.advance(timedelta(minutes=5))
    second = plant.batch()
    lakehouse.update()
    lakehouse.assert_invariants()
    both = {row["record_id"]: row for row in lakehouse.rows("bronze_sensor_readings")}
    assert len(both) == 1000
    assert {key: both[key] for key in first} == first
    new_rows = [row for key, row in both.items() if key not in first]
    assert {row["source_file"] for row in new_rows} == {str(file) for file in second.files}
    assert {row["ingestion_timestamp"] for row in new_rows} == {NOON + timedelta(minutes=5)}
    gold = lakehouse.rows("gold_hourly_device_summary", "reading_count")
    assert sum(row["reading_count"] for row in gold) == len(lakehouse.rows("silver_cleaned_sensors")) == 990
    assert [metrics["num_files"] for metrics in lakehouse.metrics("bronze_sensor_readings")] == [5, 5]

    versions = {table: lakehouse.version(table) for table in TABLES}
    assert lakehouse.update().state == "COMPLETED"
    assert {table: lakehouse.version(table) for table in TABLES} == versions
    assert len(lakehouse.metrics("bronze_sensor_readings")) == 2


@pytest.mark.usefixtures("amount")
def test_reading_that_breaks_a_rule_is_marked_or_quarantined_as_it_was_sent(lakehouse: TestLakehouse) -> None:
    own_names: dict[str, Any] = {"failed_expectations": "none", "quarantined_at": "never", "warnings": 3}
    lakehouse.land("a.json", [reading(None, **own_names), reading(temperature_celsius=41.0), reading(at="12:30")])
    lakehouse.update()
    lakehouse.assert_invariants()
    quarantine = lakehouse.rows("silver_quarantined_sensors", by="timestamp")
    bronze = {row["record_id"]: row for row in lakehouse.rows("bronze_sensor_readings")}
    assert [row["failed_expectations"] for row in quarantine] == [["valid_event_timestamp"], ["valid_device_id"]]
    for row in quarantine:
        assert row.pop("quarantined_at") == NOON
        sent = bronze[row["record_id"]] | {"failed_expectations": row["failed_expectations"]}
        assert row == {name: value for name, value in sent.items() if name != "quarantined_at"}
    silver = lakehouse.rows("silver_cleaned_sensors", "temperature_celsius", "warnings")
    assert silver == [{"temperature_celsius": 41.0, "warnings": ["high_temperature"]}]
    (quality,) = lakehouse.quality("silver_cleaned_sensors")
    assert (quality["dropped_records"], quality["warned_records"]) == (2, 1)
    counted = {item["name"]: (item["passed_records"], item["failed_records"]) for item in quality["expectations"]}
    assert counted == {
        "valid_device_id": (2, 1),
        "valid_event_timestamp": (2, 1),
        "plausible_event_timestamp": (3, 0),
        "plausible_temperature": (3, 0),
        "high_temperature": (2, 1),
        "plausible_vibration": (3, 0),
        "known_device": (3, 0),
    }


@pytest.mark.usefixtures("amount")
def test_late_reading_corrects_its_hour_alone(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(at="2026-03-01T09:10:00"), reading(at="2026-03-01T11:10:00")])
    lakehouse.update()
    lakehouse.land("b.json", [reading(at="2026-03-01T09:50:00", temperature_celsius=34.0)])
    lakehouse.update()
    lakehouse.assert_invariants()
    gold = lakehouse.rows("gold_hourly_device_summary", "window_start", "reading_count", "avg_temp", "max_temp")
    assert gold == [
        {
            "window_start": datetime(2026, 3, 1, 9, tzinfo=UTC),
            "reading_count": 2,
            "avg_temp": 32.0,
            "max_temp": 34.0,
        },
        {
            "window_start": datetime(2026, 3, 1, 11, tzinfo=UTC),
            "reading_count": 1,
            "avg_temp": 30.0,
            "max_temp": 30.0,
        },
    ]
    newest = lakehouse.metrics("gold_hourly_device_summary")[-1]
    assert (newest["num_output_rows"], newest["num_deleted_rows"], newest["num_late_rows"]) == (1, 1, 1)


@pytest.mark.usefixtures("amount")
def test_new_column_reaches_bronze_and_silver_within_its_batch(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    later = [reading(device, humidity_percent=41.5, at="2026-03-01T06:30:00-05:00") for device in ("MFG-A-1001", None)]
    lakehouse.land("b.json", later)
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    for table in TABLES[:3]:
        rows = lakehouse.rows(table, "humidity_percent")
        assert sorted({str(row["humidity_percent"]) for row in rows}) == ["41.5", "None"], table
    silver = lakehouse.rows("silver_cleaned_sensors", "humidity_percent", "event_timestamp")
    assert {row["event_timestamp"] for row in silver} == {datetime(2026, 3, 1, 11, 30, tzinfo=UTC)}
    newest = lakehouse.metrics("bronze_sensor_readings")[-1]
    assert newest["new_columns"] == {"humidity_percent": str(lakehouse.home.landing / "sensor_readings" / "b.json")}


@pytest.mark.slow
@pytest.mark.usefixtures("amount")
def test_group_without_location_is_kept_once_over_updates(lakehouse: TestLakehouse) -> None:
    for name in ("a.json", "b.json"):
        lakehouse.land(name, [reading(location=None)])
        lakehouse.update()
    lakehouse.assert_invariants()
    assert lakehouse.rows("gold_hourly_device_summary", "location", "reading_count") == [
        {"location": None, "reading_count": 2}
    ]


@pytest.mark.slow
def test_full_refresh_of_everything_gives_the_same_rows_again(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None), reading("MFG-A-1001")])
    lakehouse.update()
    sent = [row["timestamp"] for row in lakehouse.rows("bronze_sensor_readings")]
    lakehouse.update(full_refresh_all=True)
    lakehouse.assert_invariants()
    assert [row["timestamp"] for row in lakehouse.rows("bronze_sensor_readings")] == sent


def test_update_without_any_file_completes_and_writes_no_rows(lakehouse: TestLakehouse) -> None:
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    states = [details["state"] for details in lakehouse.logged("update_progress")]
    assert states == ["INITIALIZING", "SETTING_UP_TABLES", "RUNNING", "COMPLETED"]


def test_refresh_of_an_unknown_table_names_the_nearest_one_and_is_on_record(lakehouse: TestLakehouse) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `silver_cleaned_sensors`"):
        lakehouse.update(refresh=("silver_cleaned_sensor",))
    assert lakehouse.logged("update_progress")[-1] == {"state": "FAILED"}


def test_wrong_declaration_ends_the_update_before_a_row_is_written(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "a.py").write_text(
        "from pipeline import read_stream, table\n\n@table\ndef a():\n    return read_stream('b')\n", encoding="utf-8"
    )
    lakehouse.settings_file = tmp_path / "a.yml"
    lakehouse.settings_file.write_text("name: A\nschema: a\nsource: a.py\nexpectations: suites\n", encoding="utf-8")
    with pytest.raises(AuthorError, match=r"a\.py:3, `a`: there is no dataset `b`"):
        lakehouse.update()
    assert [folder.name for folder in lakehouse.home.schema("a").data.iterdir()] == ["event_log"]


def test_update_while_another_holds_the_lock_says_who(lakehouse: TestLakehouse) -> None:
    lakehouse.home.make_writable()
    with (
        exclusive(lakehouse.home, lakehouse.clock, "update 1234"),
        pytest.raises(PipelineBusyError, match=r"update 1234, process \d+ on .*, since 2026-03-01T12:00:00"),
    ):
        lakehouse.update()


@pytest.mark.slow
def test_batch_tells_what_it_cost_what_it_left_out_and_what_waits_behind_it(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update(refresh=("bronze_sensor_readings",))
    (bronze,) = lakehouse.metrics("bronze_sensor_readings")
    assert (bronze["backlog_files"], bronze["backlog_bytes"]) == (0, 0)
    # A few files whose records are taken as they are need no task of Spark.
    assert (bronze["executor_time_ms"], bronze["executor_cpu_time_ms"]) == (0, 0)
    lakehouse.land("b.json", [reading()])
    lakehouse.update()
    silver = lakehouse.metrics("silver_cleaned_sensors")
    assert [(metrics["num_input_rows"], metrics["num_dropped_rows"]) for metrics in silver] == [(3, 1)]
    assert (silver[0]["backlog_files"], silver[0]["backlog_bytes"]) == (0, 0)
    assert silver[0]["executor_time_ms"] >= silver[0]["executor_cpu_time_ms"] > 0
    (listing, _) = lakehouse.logged("operation_progress", "bronze_sensor_readings")
    assert (listing["type"], listing["status"]) == ("AUTO_LOADER_LISTING", "COMPLETED")
    assert listing["auto_loader_details"] == {
        "source_path": str(lakehouse.home.landing / "sensor_readings"),
        "num_files_listed": 1,
    }
    streamed = [json.loads(told["progress_json"]) for told in lakehouse.logged("stream_progress", TABLES[0])]
    assert [progress["batchId"] for progress in streamed] == [0, 1]
    events = lakehouse.rows("event_log", "event_type", "maturity_level")
    assert {row["event_type"] for row in events if row["maturity_level"] == "EVOLVING"} == {"stream_progress"}
    assert [told["action"] for told in lakehouse.logged("user_action")] == ["START", "START"]


@pytest.mark.slow
def test_backlog_counts_the_files_and_the_commits_behind_a_batch(lines: TestLakehouse) -> None:
    sizes = [lines.land(f"{name}.json", [{"id": name}], folder="lines").stat().st_size for name in "abc"]
    assert lines.update(refresh=("raw",)).state == "COMPLETED"
    waiting = [(metrics["backlog_files"], metrics["backlog_bytes"]) for metrics in lines.metrics("raw")]
    assert waiting == [(2, sizes[1] + sizes[2]), (1, sizes[2]), (0, 0)]
    table = Table(lines.path("raw"))
    assert [table.log.added_since(version)[0] for version in range(4)] == [3, 2, 1, 0]
    lines.update()
    (copied,) = lines.metrics("copied")
    assert (copied["num_output_rows"], copied["backlog_files"], copied["backlog_bytes"]) == (3, 0, 0)


@pytest.mark.slow
def test_event_log_that_cannot_be_written_fails_the_update_with_its_place(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading()])

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.delta.state_table.write_deltalake", full)
        with pytest.raises(EnvironmentFaultError, match=r"The event log .*event_log cannot be written: .*No space"):
            lakehouse.update()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()


@pytest.mark.slow
def test_history_of_each_table_names_the_update_that_wrote_it(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    first = lakehouse.update().update_id
    lakehouse.land("b.json", [reading(), reading(None)])
    second = lakehouse.update().update_id
    for table in TABLES:
        history = DeltaTable(lakehouse.path(table)).history()
        updates = [json.loads(commit["userMetadata"])["update_id"] for commit in reversed(history)]
        assert (updates[0], updates[-1], set(updates)) == (first, second, {first, second}), table
