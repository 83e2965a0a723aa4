"""Updates from landing files to gold, on real tables."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import PipelineBusyError, UnknownNameError
from pipeline.lock import exclusive
from tests.conftest import NOON, TABLES, reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark


def test_update_over_two_batches_reads_each_file_once_and_then_nothing(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0)])
    assert lakehouse.update().statuses == dict.fromkeys(TABLES, "COMPLETED")
    first = {row["record_id"] for row in lakehouse.rows("bronze_sensor_readings")}
    lakehouse.land("b.json", [reading("MFG-B-2000", location="Factory Floor B")])
    lakehouse.update()
    lakehouse.assert_invariants()
    bronze = lakehouse.rows("bronze_sensor_readings", "record_id", "source_file")
    assert first < {row["record_id"] for row in bronze}
    assert sorted(row["source_file"].rsplit("/", 1)[-1] for row in bronze) == ["a.json"] * 3 + ["b.json"]
    versions = {table: lakehouse.version(table) for table in TABLES}
    lakehouse.update()
    assert {table: lakehouse.version(table) for table in TABLES} == versions
    assert lakehouse.rows("silver_quarantined_sensors", "device_id", "failed_expectations") == [
        {"device_id": None, "failed_expectations": ["valid_device_id"]}
    ]
    warned = [row for row in lakehouse.rows("silver_cleaned_sensors") if row["warnings"]]
    assert [(row["temperature_celsius"], row["warnings"]) for row in warned] == [(41.0, ["high_temperature"])]


def test_late_reading_corrects_its_hour_alone(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(at="2026-03-01T09:10:00"), reading(at="2026-03-01T11:10:00")])
    lakehouse.update()
    lakehouse.land("b.json", [reading(at="2026-03-01T09:50:00", temperature_celsius=34.0)])
    lakehouse.update()
    lakehouse.assert_invariants()
    gold = lakehouse.rows("gold_hourly_device_summary", "window_start", "reading_count", "max_temp")
    assert gold == [
        {"window_start": datetime(2026, 3, 1, 9, tzinfo=UTC), "reading_count": 2, "max_temp": 34.0},
        {"window_start": datetime(2026, 3, 1, 11, tzinfo=UTC), "reading_count": 1, "max_temp": 30.0},
    ]


def test_new_column_reaches_bronze_and_silver_within_its_batch(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update()
    lakehouse.land("b.json", [reading(humidity_percent=41.5, at="2026-03-01T06:30:00-05:00")])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    silver = lakehouse.rows("silver_cleaned_sensors", "humidity_percent", "event_timestamp", by="humidity_percent")
    assert silver == [
        {"humidity_percent": 41.5, "event_timestamp": datetime(2026, 3, 1, 11, 30, tzinfo=UTC)},
        {"humidity_percent": None, "event_timestamp": datetime(2026, 3, 1, 11, 30, tzinfo=UTC)},
    ]
    assert "humidity_percent" in lakehouse.columns("bronze_sensor_readings")


def test_files_of_other_makers_hold_the_invariants(lakehouse: TestLakehouse) -> None:
    mixed = [reading(), reading(at="2026-03-01T06:30:00-05:00"), reading(location=None)]
    lakehouse.land("array.json", json.dumps(mixed))
    lakehouse.land("lines.json", "\n".join(json.dumps(record) for record in mixed))
    lakehouse.land("zipped.json.gz", gzip.compress(json.dumps(mixed).encode()))
    lakehouse.land("indented.json", json.dumps(mixed, indent=2))
    lakehouse.update()
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("silver_cleaned_sensors")) == 12
    assert {row["event_timestamp"] for row in lakehouse.rows("silver_cleaned_sensors")} == {
        datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    }


def test_group_without_location_is_kept_once_over_updates(lakehouse: TestLakehouse) -> None:
    for name in ("a.json", "b.json"):
        lakehouse.land(name, [reading(location=None)])
        lakehouse.update()
    lakehouse.assert_invariants()
    assert lakehouse.rows("gold_hourly_device_summary", "location", "reading_count") == [
        {"location": None, "reading_count": 2}
    ]


@pytest.mark.parametrize("table", ["bronze_sensor_readings", "silver_cleaned_sensors", "gold_hourly_device_summary"])
def test_batch_committed_but_not_checkpointed_is_not_written_twice(lakehouse: TestLakehouse, table: str) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    for commit in (lakehouse.home.state / "checkpoints" / "smart_factory" / table).glob("*/commits/*0*"):
        commit.unlink()
    lakehouse.land("b.json", [reading()])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("bronze_sensor_readings")) == 3


def test_quarantine_cut_short_by_a_kill_is_filled_by_the_next_update(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.tables import Table

    lakehouse.land("a.json", [reading(), reading(None)])
    append = Table.append

    def fails_at_quarantine(self: Table, *given: object) -> object:
        if self.path.name == "silver_quarantined_sensors":
            raise OSError(28, "No space left on device")
        return append(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Table, "append", fails_at_quarantine)
    result = lakehouse.update()
    assert result.state == "FAILED"
    assert result.statuses["gold_hourly_device_summary"] == "SKIPPED"
    assert result.statuses["bronze_sensor_readings"] == "COMPLETED"
    monkeypatch.undo()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()


def test_full_refresh_of_everything_gives_the_same_rows_again(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None), reading("MFG-A-1001")])
    lakehouse.update()
    lakehouse.update(full_refresh_all=True)
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("bronze_sensor_readings")) == 3


def test_refresh_of_an_unknown_table_names_the_nearest_one(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    with pytest.raises(UnknownNameError, match="Did you mean `silver_cleaned_sensors`"):
        lakehouse.update(refresh=("silver_cleaned_sensor",))


def test_update_while_another_holds_the_lock_says_who(lakehouse: TestLakehouse) -> None:
    lakehouse.home.make_writable()
    with (
        exclusive(lakehouse.home, lakehouse.clock, "update 1234"),
        pytest.raises(PipelineBusyError, match=r"update 1234, process \d+") as raised,
    ):
        lakehouse.update()
    assert raised.value.exit_code == 3


def test_large_batch_through_the_workers_equals_the_small_one(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [reading(f"MFG-A-{1000 + number}", temperature_celsius=20 + number / 10) for number in range(50)]
    lakehouse.land("a.json", "\n".join(json.dumps(record) for record in records))
    whole = gzip.compress(b"\n".join(json.dumps(record).encode() for record in records))
    lakehouse.land("cut.json.gz", whole[: len(whole) // 2])
    lakehouse.land("c.json", "\n".join(json.dumps(reading(pressure=number)) for number in range(3)))
    monkeypatch.setattr("pipeline.ingest.batch.DRIVER_BYTES", 0)
    monkeypatch.setattr("pipeline.ingest.batch._SAMPLED_RECORDS", 1)
    lakehouse.update()
    lakehouse.assert_invariants()
    by_file: dict[str, int] = {}
    for row in lakehouse.rows("bronze_sensor_readings"):
        name = row["source_file"].rsplit("/", 1)[-1]
        by_file[name] = by_file.get(name, 0) + 1
    assert by_file["a.json"] == 50
    assert by_file["c.json"] == 3
    assert "pressure" in lakehouse.columns("bronze_sensor_readings")
    states = {row["path"].rsplit("/", 1)[-1]: row["state"] for row in _files(lakehouse)}
    assert states == {"a.json": "ingested", "c.json": "ingested", "cut.json.gz": "set aside"}


def test_file_older_than_a_week_and_one_dated_ahead_are_both_read(lakehouse: TestLakehouse) -> None:
    import os

    for name, moment in (("old.json", 1_500_000_000), ("ahead.json", 4_000_000_000), ("now.json", NOON.timestamp())):
        file = lakehouse.land(name, [reading()])
        os.utime(file, (moment, moment))
        lakehouse.update()
    assert len(lakehouse.rows("bronze_sensor_readings")) == 3


def _files(lakehouse: TestLakehouse) -> list[dict[str, Any]]:
    from deltalake import DeltaTable

    path = lakehouse.home.state / "files" / "smart_factory" / "bronze_sensor_readings"
    rows: list[dict[str, Any]] = DeltaTable(path).to_pyarrow_table().to_pylist()
    return rows
