"""The plant: lands files of readings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from generators.fleet import fleet
from generators.landing import Landing
from generators.pace import Pace
from generators.readings import Format, Landed, OnFile, Window, draw
from generators.scenarios import BATCH, HOT_STREAM, LATE, SCHEMA_CHANGE, STREAM, TRIGGER_EVENT, Scenario, is_overheating
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.foundation.clock import Clock

ANOMALY_RATE = 0.05
READINGS_PER_FILE = 100
DEVICES = 15
# After hours of sleep a stream catches up in files that still fit in memory.
READINGS_PER_STREAM_FILE = 250_000


class Order(TypedDict, total=False):
    """How much a scenario lands; missing keys have the scenario's defaults.

    Attributes:
        files: The number of files.
        records: The number of readings in a file.
        at: The end of the time in which the readings are taken. Defaults to the clock's present.
        anomaly_rate: The share of anomalous readings, from 0 to 1; an always hot scenario ignores it.
        format: `array` for one JSON array in each file, `lines` for JSON Lines.
        on_file: Called after each file with the number of files landed, and with their total number.
    """

    files: int
    records: int
    at: datetime | None
    anomaly_rate: float
    format: Format
    on_file: OnFile | None


class Plant:
    """Lands files of readings in one folder.

    Two plants with the same seed, number of devices and clock land the same bytes for the same calls; file names
    never repeat. Files appear atomically.

    Args:
        landing: The folder.
        clock: Dates files and readings.
        seed: Makes the readings reproducible. Random by default.
        devices: The number of sensors.
        readings_per_stream_file: The largest file of a stream that catches up.
    """

    def __init__(
        self,
        landing: Path,
        clock: Clock,
        seed: int | None = None,
        devices: int = DEVICES,
        readings_per_stream_file: int = READINGS_PER_STREAM_FILE,
    ) -> None:
        if seed is not None and seed < 0:
            problem = f"The seed must be 0 or more; got {seed}."
            raise AuthorError(problem, "Correct --seed.")
        self.landing = Landing(landing, clock)
        self.devices = fleet(devices)
        self.clock = clock
        self._rng = np.random.default_rng(seed)
        self._readings_per_stream_file = readings_per_stream_file

    def batch(self, **order: Unpack[Order]) -> Landed:
        """Land readings of the last minute and return what landed."""
        return self.land(BATCH, **order)

    def late(self, **order: Unpack[Order]) -> Landed:
        """Land readings that are two hours to three days old and return what landed."""
        return self.land(LATE, **order)

    def schema_change(self, **order: Unpack[Order]) -> Landed:
        """Land readings with `humidity_percent` and timestamps with an offset, and return what landed."""
        return self.land(SCHEMA_CHANGE, **order)

    def trigger_event(self, **order: Unpack[Order]) -> Landed:
        """Land readings of 42 to 48 °C, each with its device_id, and return what landed."""
        return self.land(TRIGGER_EVENT, **order)

    def land(self, scenario: Scenario, **order: Unpack[Order]) -> Landed:
        """Land a scenario's files and return what landed.

        Raises:
            AuthorError: A number is out of its range.
            EnvironmentFaultError: The folder cannot be written.
        """
        files, records = order.get("files", scenario.files), order.get("records", READINGS_PER_FILE)
        _check_order(files, records, order.get("anomaly_rate", ANOMALY_RATE))
        at = order.get("at") or self.clock.now()
        window = _window(scenario, at)
        on_file = order.get("on_file")
        self.landing.prepare()
        landed = Landed()
        for number in range(1, files + 1):
            self._land_file(scenario, landed, records, window, order)
            if on_file:
                on_file(number, files)
        return landed

    def stream(
        self,
        *,
        rate: float,
        interval: timedelta,
        sleep: Callable[[float], object],
        stopped: Callable[[], bool] = lambda: False,
        duration: timedelta | None = None,
        event_lasts: timedelta = timedelta(),
        **order: Unpack[Order],
    ) -> Landed:
        """Land readings at a steady rate, a file each interval, and return what landed.

        The rate holds on average: a late file contains more readings. After a duration, exactly its number has landed.

        Args:
            rate: Readings per second; 0 lands nothing.
            interval: The time from one file to the next.
            sleep: Waits for a number of seconds; may return early.
            stopped: Called after each file and each sleep; once it returns True, the readings due land and the
                stream ends.
            duration: How long the stream runs. Defaults to until stopped.
            event_lasts: How long the stream is hot after a trigger event in the same folder; a batch ends the
                event.
            order: `at`, `anomaly_rate`, `format` and `on_file`; `at` is the time of the first readings.

        Raises:
            AuthorError: A number is out of its range.
            EnvironmentFaultError: The folder cannot be written.
        """
        _check_order(1, 1, order.get("anomaly_rate", ANOMALY_RATE))
        pace = Pace(rate, interval, self.clock.now(), duration)
        shift = (order.get("at") or pace.begin) - pace.begin
        self.landing.prepare()
        landed, last = Landed(), pace.begin
        while True:
            now = self.clock.now()
            ended = stopped() or pace.is_over(now)
            if ended or pace.interval_number(now) > pace.interval_number(last):
                moment = pace.begin + pace.elapsed(now)
                window = Window(last + shift, moment + shift)
                scenario = HOT_STREAM if is_overheating(self.landing.folder, now, event_lasts) else STREAM
                self._catch_up(scenario, pace, landed, moment, window, stopped=stopped, order=order)
                last = moment
            if ended:
                return landed
            sleep(pace.wait(now).total_seconds())

    def _catch_up(
        self,
        scenario: Scenario,
        pace: Pace,
        landed: Landed,
        now: datetime,
        window: Window,
        *,
        stopped: Callable[[], bool],
        order: Order,
    ) -> None:
        on_file = order.get("on_file")
        while due := pace.due(now, landed.readings):
            self._land_file(scenario, landed, min(due, self._readings_per_stream_file), window, order)
            if on_file:
                on_file(len(landed.files), None)
            if stopped():
                return

    def _land_file(self, scenario: Scenario, landed: Landed, readings: int, window: Window, order: Order) -> None:
        anomaly_rate = 1.0 if scenario.always_celsius else order.get("anomaly_rate", ANOMALY_RATE)
        drawn = draw(
            scenario,
            self.devices,
            self._rng,
            window,
            readings=readings,
            anomalous=landed.share_of_next(readings, anomaly_rate),
            missing_device_id=landed.share_of_next(readings, scenario.missing_device_id_share),
        )
        landed.add(self.landing.write(scenario.name, drawn.encoded(order.get("format", "array"))), drawn.counts)


def _check_order(files: int, records: int, anomaly_rate: float) -> None:
    for option, number in (("files", files), ("records", records)):
        if number < 1:
            problem = f"The number of {option} must be 1 or more; got {number}."
            raise AuthorError(problem, f"Correct --{option}.")
    if not 0 <= anomaly_rate <= 1:
        problem = f"The anomaly rate must be a share from 0 to 1; got {anomaly_rate}."
        raise AuthorError(problem, "Correct --anomaly-rate, for example 0.05.")


def _window(scenario: Scenario, at: datetime) -> Window:
    try:
        return Window(at - scenario.oldest, at - scenario.youngest)
    except OverflowError:
        problem = f"{at.isoformat()} is too early: older readings would precede the year 1."
        raise AuthorError(problem, "Correct --at.") from None
