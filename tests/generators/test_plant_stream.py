from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from generators.plant import Plant
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import AuthorError

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Hours:
    """A clock that advances by sleeping, at times longer than asked for."""

    def __init__(self, *oversleeps: float) -> None:
        self.clock = FixedClock(NOW)
        self._oversleeps = list(oversleeps)

    def sleep(self, seconds: float) -> None:
        oversleep = self._oversleeps.pop(0) if self._oversleeps else 0.0
        self.clock.advance(timedelta(seconds=seconds + oversleep))

    def passed(self, duration: timedelta) -> bool:
        return self.clock.now() - NOW >= duration


def sizes(folder: Path) -> list[int]:
    return [len(json.loads(path.read_bytes())) for path in sorted(folder.iterdir())]


def test_stream_lands_a_file_each_interval_at_its_rate(tmp_path: Path) -> None:
    hours = Hours()
    landed = Plant(tmp_path, hours.clock, 7).stream(
        rate=50, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=4)
    )
    assert sizes(tmp_path) == [50, 50, 50, 50]
    assert (landed.readings, landed.anomalous, landed.missing_device_id) == (200, 10, 2)


def test_stream_that_overslept_catches_up_and_ends_with_the_exact_number(tmp_path: Path) -> None:
    hours = Hours(0.5, 2.25, 0.0)
    Plant(tmp_path, hours.clock, 7).stream(rate=100, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=6))
    assert sizes(tmp_path) == [150, 275, 75, 100]


def test_stream_below_one_reading_an_interval_lands_no_empty_files(tmp_path: Path) -> None:
    hours = Hours()
    Plant(tmp_path, hours.clock, 7).stream(rate=0.5, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=6))
    assert sizes(tmp_path) == [1, 1, 1]


def test_stream_of_rate_zero_is_idle_until_stopped(tmp_path: Path) -> None:
    hours = Hours()
    landed = Plant(tmp_path, hours.clock, 7).stream(
        rate=0, interval=SECOND, sleep=hours.sleep, stopped=lambda: hours.passed(timedelta(minutes=5))
    )
    assert landed.readings == 0
    assert sizes(tmp_path) == []


def test_stream_stopped_within_an_interval_lands_what_is_due(tmp_path: Path) -> None:
    hours = Hours()

    def sleep(_: float) -> None:
        hours.sleep(0.4)

    Plant(tmp_path, hours.clock, 7).stream(
        rate=10, interval=SECOND, sleep=sleep, stopped=lambda: hours.passed(timedelta(seconds=1.6))
    )
    assert sizes(tmp_path) == [12, 4]


def test_stream_readings_are_taken_between_the_file_before_and_their_own(tmp_path: Path) -> None:
    hours = Hours()
    landed = Plant(tmp_path, hours.clock, 7).stream(
        rate=20, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=3)
    )
    for number, path in enumerate(landed.files):
        for record in json.loads(path.read_bytes()):
            moment = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=UTC)
            assert NOW + number * SECOND <= moment < NOW + (number + 1) * SECOND


def test_stream_at_another_time_has_readings_of_that_time(tmp_path: Path) -> None:
    hours = Hours()
    then = NOW - timedelta(hours=6)
    landed = Plant(tmp_path, hours.clock, 7).stream(
        rate=20, interval=SECOND, sleep=hours.sleep, duration=SECOND, at=then
    )
    for record in json.loads(landed.files[0].read_bytes()):
        moment = datetime.fromisoformat(record["timestamp"]).replace(tzinfo=UTC)
        assert then <= moment < then + SECOND


def test_stream_whose_clock_goes_back_waits_and_never_sends_twice(tmp_path: Path) -> None:
    hours = Hours(0.0, -3.5)
    landed = Plant(tmp_path, hours.clock, 7).stream(
        rate=10, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=4)
    )
    assert landed.readings == 40
    assert sizes(tmp_path) == [10, 10, 10, 10]


def test_stream_far_behind_catches_up_in_files_of_bounded_size(tmp_path: Path) -> None:
    hours = Hours(29)
    landed = Plant(tmp_path, hours.clock, 7, readings_per_stream_file=250).stream(
        rate=10, interval=SECOND, sleep=hours.sleep, duration=timedelta(seconds=30)
    )
    assert landed.readings == 300
    assert sizes(tmp_path) == [250, 50]


@pytest.mark.parametrize(
    ("rate", "interval", "option"),
    [(-1.0, SECOND, "--rate"), (float("inf"), SECOND, "--rate"), (1.0, timedelta(), "--interval")],
    ids=["negative rate", "infinite rate", "no interval"],
)
def test_stream_with_a_number_out_of_range_is_the_authors_error(
    tmp_path: Path, rate: float, interval: timedelta, option: str
) -> None:
    hours = Hours()
    with pytest.raises(AuthorError, match=option):
        Plant(tmp_path, hours.clock).stream(rate=rate, interval=interval, sleep=hours.sleep)


def test_stream_command_after_a_termination_signal_exits_with_0_and_whole_files(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "sensor_readings"
    command = [sys.executable, "-m", "generators", "stream", "--home", str(tmp_path), "--json"]
    options = ["--rate", "5000", "--interval", "0.05s", "--seed", "7"]
    checkout = Path(__file__).parents[2]
    with subprocess.Popen([*command, *options], cwd=checkout, stdout=subprocess.PIPE) as process:
        while process.poll() is None and not (folder.is_dir() and list(folder.glob("*.json"))):
            time.sleep(0.01)
        process.terminate()
        printed, _ = process.communicate(timeout=10)
    facts = json.loads(printed)
    assert process.returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == facts["files"]
    assert sum(sizes(folder)) == facts["readings"] > 0


def test_stream_is_hot_after_a_trigger_event_until_it_is_over_or_a_batch_lands(tmp_path: Path) -> None:
    hours = Hours()
    plant = Plant(tmp_path, hours.clock, 7)

    def hot_share() -> float:
        landed = plant.stream(
            rate=10,
            interval=SECOND,
            sleep=hours.sleep,
            duration=SECOND,
            anomaly_rate=0,
            event_lasts=timedelta(minutes=5),
        )
        return landed.hot / landed.readings

    shares = [hot_share()]
    plant.trigger_event()
    shares.append(hot_share())
    hours.clock.advance(timedelta(minutes=5))
    shares.append(hot_share())
    plant.trigger_event()
    shares.append(hot_share())
    plant.batch(anomaly_rate=0)
    shares.append(hot_share())
    assert shares == [0, 1, 0, 1, 0]
