from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from generators.plant import Plant
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path

    from generators.readings import Landed

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


def plant(folder: Path, seed: int | None = 7, devices: int = 15) -> Plant:
    return Plant(folder, FixedClock(NOW), seed, devices)


def records(landed: Landed) -> list[dict[str, Any]]:
    return [record for path in landed.files for record in json.loads(path.read_bytes())]


def moments(landed: Landed) -> list[datetime]:
    return [datetime.fromisoformat(record["timestamp"]) for record in records(landed)]


def test_batch_lands_five_files_of_one_hundred_readings_each_an_array_on_one_line(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch()
    assert [len(json.loads(path.read_bytes())) for path in landed.files] == [100] * 5
    assert [path.read_bytes().count(b"\n") for path in landed.files] == [1] * 5
    assert landed.readings == 500


def test_batch_of_the_default_mixture_has_exact_shares(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch()
    sent = records(landed)
    hot = [record for record in sent if record["temperature_celsius"] > 40]
    assert (landed.anomalous, landed.hot, landed.missing_device_id) == (25, 25, 5)
    assert len(hot) == landed.hot
    assert sum("device_id" in record for record in hot) == landed.hot_with_device_id
    assert sum("device_id" not in record for record in sent) == landed.missing_device_id


def test_batch_keeps_normal_and_anomalous_readings_in_their_ranges(tmp_path: Path) -> None:
    for record in records(plant(tmp_path).batch(files=1, records=5000)):
        celsius, hertz = record["temperature_celsius"], record["vibration_hz"]
        is_normal = 25 <= celsius <= 35 and 0.1 <= hertz <= 0.5
        is_anomalous = 40 < celsius <= 45 and 0.5 <= hertz <= 1.2
        assert is_normal != is_anomalous
        assert (round(celsius, 2), round(hertz, 3)) == (celsius, hertz)


def test_batch_readings_carry_the_five_fields_in_order(tmp_path: Path) -> None:
    sent = [record for record in records(plant(tmp_path).batch()) if "device_id" in record]
    fields = ["device_id", "timestamp", "temperature_celsius", "vibration_hz", "location"]
    assert {tuple(record) for record in sent} == {tuple(fields)}


def test_batch_timestamps_are_naive_with_microseconds_and_within_the_last_minute(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch()
    assert {len(record["timestamp"]) for record in records(landed)} == {len("2026-01-31T09:59:00.000000")}
    for moment in moments(landed):
        assert moment.tzinfo is None
        assert NOW - timedelta(seconds=60) <= moment.replace(tzinfo=UTC) < NOW


def test_batch_at_another_time_has_readings_of_that_time(tmp_path: Path) -> None:
    then = NOW - timedelta(hours=6)
    for moment in moments(plant(tmp_path).batch(at=then)):
        assert then - timedelta(seconds=60) <= moment.replace(tzinfo=UTC) < then


def test_batch_with_anomaly_rate_zero_is_calm(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch(anomaly_rate=0)
    assert (landed.anomalous, landed.hot) == (0, 0)
    assert max(record["temperature_celsius"] for record in records(landed)) <= 35


def test_batch_with_anomaly_rate_one_is_hot_throughout(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch(anomaly_rate=1)
    assert landed.hot == 500
    assert min(record["temperature_celsius"] for record in records(landed)) > 40


def test_batch_of_small_files_keeps_the_shares_over_all_files(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch(files=100, records=3)
    assert (landed.anomalous, landed.missing_device_id) == (15, 3)


def test_batch_as_lines_has_one_object_per_line(tmp_path: Path) -> None:
    landed = plant(tmp_path).batch(files=1, records=10, format="lines")
    lines = landed.files[0].read_text().splitlines()
    assert [type(json.loads(line)) for line in lines] == [dict] * 10


def test_batch_of_many_devices_uses_them(tmp_path: Path) -> None:
    landed = plant(tmp_path, devices=5000).batch(files=1, records=2000)
    assert len({record["device_id"] for record in records(landed) if "device_id" in record}) > 1000


def test_batch_with_the_same_seed_and_clock_lands_the_same_bytes(tmp_path: Path) -> None:
    one = plant(tmp_path / "one").batch()
    two = plant(tmp_path / "two").batch()
    other = plant(tmp_path / "other", seed=8).batch()
    assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in two.files]
    assert [path.read_bytes() for path in one.files] != [path.read_bytes() for path in other.files]


def test_batch_without_a_seed_lands_different_bytes_each_time(tmp_path: Path) -> None:
    one = plant(tmp_path, seed=None).batch(files=1)
    two = plant(tmp_path, seed=None).batch(files=1)
    assert one.files[0].read_bytes() != two.files[0].read_bytes()


def test_batch_reports_each_landed_file(tmp_path: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    plant(tmp_path).batch(files=3, records=1, on_file=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_late_lands_one_file_of_readings_hours_to_days_old(tmp_path: Path) -> None:
    landed = plant(tmp_path).late()
    ages = [NOW - moment.replace(tzinfo=UTC) for moment in moments(landed)]
    assert len(landed.files) == 1
    assert timedelta(hours=2) < min(ages)
    assert timedelta(days=1) < max(ages) <= timedelta(days=3)


def test_schema_change_adds_humidity_to_every_reading(tmp_path: Path) -> None:
    sent = records(plant(tmp_path).schema_change())
    assert len(sent) == 100
    for record in sent:
        percent = record["humidity_percent"]
        assert 30 <= percent <= 50
        assert round(percent, 1) == percent


def test_schema_change_writes_timestamps_of_the_last_minute_with_an_offset(tmp_path: Path) -> None:
    for moment in moments(plant(tmp_path).schema_change()):
        assert moment.utcoffset() == timedelta(hours=-5)
        assert NOW - timedelta(seconds=60) <= moment < NOW


def test_trigger_event_is_hot_throughout_and_every_reading_has_its_device(tmp_path: Path) -> None:
    landed = plant(tmp_path).trigger_event(anomaly_rate=0)
    sent = records(landed)
    assert (landed.hot, landed.hot_with_device_id, landed.anomalous, landed.missing_device_id) == (
        100,
        100,
        100,
        0,
    )
    assert all("device_id" in record and 42 <= record["temperature_celsius"] <= 48 for record in sent)


@pytest.mark.parametrize(
    ("order", "option"),
    [
        pytest.param({"files": 0}, "--files", id="no files"),
        pytest.param({"records": -1}, "--records", id="negative records"),
        pytest.param({"anomaly_rate": 1.5}, "--anomaly-rate", id="rate above one"),
        pytest.param({"anomaly_rate": float("nan")}, "--anomaly-rate", id="rate not a number"),
        pytest.param({"at": datetime(1, 1, 1, tzinfo=UTC)}, "--at", id="before the first year"),
    ],
)
def test_batch_with_a_number_out_of_range_is_the_authors_error(tmp_path: Path, order: Any, option: str) -> None:
    with pytest.raises(AuthorError, match=option):
        plant(tmp_path).batch(**order)
    assert list(tmp_path.iterdir()) == []


def test_plant_with_a_negative_seed_is_the_authors_error(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="--seed"):
        plant(tmp_path, seed=-1)
