"""The plant, as a library."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from generators.acts import BATCH, HOT_STREAM, LATE, SCHEMA_CHANGE, STREAM, TRIGGER_EVENT, Act
from generators.event import is_overheating
from generators.fleet import fleet
from generators.landed import Landed, Tally, Watcher
from generators.landing import Landing
from generators.pace import Pace
from generators.readings import Format, Window, draw
from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from pipeline.clock import Clock

ANOMALY_RATE = 0.05
READINGS_PER_FILE = 100
DEVICES = 15
# A stream that slept for hours catches up in files that still fit into memory.
_MOST_READINGS_PER_STREAM_FILE = 250_000


class Order(TypedDict, total=False):
    """How much an act lands; what is left out has the act's default.

    Attributes:
        files: How many files.
        records: How many readings a file.
        at: The end of the time that the readings fall in. Defaults to the clock's now.
        anomaly_rate: The share of anomalous readings, from 0 to 1; an act that is always hot takes no notice.
        format: `array` for one JSON array a file, `lines` for JSON Lines.
        on_file: Told after each file how many are landed, and of how many.
    """

    files: int
    records: int
    at: datetime | None
    anomaly_rate: float
    format: Format
    on_file: Watcher | None


class Plant:
    """Lands files of readings in one folder.

    Two plants with the same seed, the same number of devices and the same clock land the same bytes when
    asked for the same; file names never repeat. A file appears whole or not at all.
    """

    def __init__(self, landing: Path, clock: Clock, seed: int | None = None, devices: int = DEVICES) -> None:
        if seed is not None and seed < 0:
            problem = f"The seed must be 0 or more; got {seed}."
            raise AuthorError(problem, "Correct --seed.")
        self.landing = Landing(landing, clock)
        self.devices = fleet(devices)
        self.clock = clock
        self._rng = np.random.default_rng(seed)

    def batch(self, **order: Unpack[Order]) -> Landed:
        """Land readings of the last minute and return what landed."""
        return self.perform(BATCH, **order)

    def late(self, **order: Unpack[Order]) -> Landed:
        """Land readings that are two hours to three days old and return what landed."""
        return self.perform(LATE, **order)

    def schema_change(self, **order: Unpack[Order]) -> Landed:
        """Land readings with `humidity_percent` and timestamps with an offset, and return what landed."""
        return self.perform(SCHEMA_CHANGE, **order)

    def trigger_event(self, **order: Unpack[Order]) -> Landed:
        """Land readings of 42 to 48 °C, each with its device_id, and return what landed."""
        return self.perform(TRIGGER_EVENT, **order)

    def perform(self, act: Act, **order: Unpack[Order]) -> Landed:
        """Land an act's files and return what landed.

        Raises:
            AuthorError: A number is out of its range.
            EnvironmentFaultError: The folder cannot be written.
        """
        files, records = order.get("files", act.files), order.get("records", READINGS_PER_FILE)
        _check_order(files, records, order.get("anomaly_rate", ANOMALY_RATE))
        at = order.get("at") or self.clock.now()
        window = _window(act, at)
        watch = order.get("on_file")
        self.landing.prepare()
        tally = Tally()
        for number in range(1, files + 1):
            self._land(act, tally, records, window, order)
            if watch:
                watch(number, files)
        return tally.landed()

    def stream(
        self,
        *,
        rate: float,
        interval: timedelta,
        sleep: Callable[[float], None],
        stopped: Callable[[], bool] = lambda: False,
        duration: timedelta | None = None,
        event_lasts: timedelta = timedelta(),
        **order: Unpack[Order],
    ) -> Landed:
        """Land readings at a steady rate, a file each interval, and return what landed in the end.

        The rate holds on average: a late file holds more. A duration ends with exactly its number.

        Args:
            rate: Readings a second; 0 lands nothing until stopped.
            interval: The time from one file to the next.
            sleep: Waits for a number of seconds; it may return early.
            stopped: Asked after each file and each sleep; once it says so, what is due lands and it ends.
            duration: How long it runs. Defaults to until stopped.
            event_lasts: How long after a trigger event in the same folder its readings are hot too; a batch
                ends the event.
            order: `at`, `anomaly_rate`, `format` and `on_file`; `at` dates the readings as if it were then.

        Raises:
            AuthorError: A number is out of its range.
            EnvironmentFaultError: The folder cannot be written.
        """
        _check_order(1, 1, order.get("anomaly_rate", ANOMALY_RATE))
        pace = Pace(rate, interval, self.clock.now(), duration)
        shift = (order.get("at") or pace.begin) - pace.begin
        self.landing.prepare()
        tally, last = Tally(), pace.begin
        while True:
            now = self.clock.now()
            ended = stopped() or pace.is_over(now)
            if ended or pace.interval_number(now) > pace.interval_number(last):
                moment = pace.begin + pace.elapsed(now)
                window = Window(last + shift, moment + shift)
                act = HOT_STREAM if is_overheating(self.landing.folder, now, event_lasts) else STREAM
                self._catch_up(act, pace, tally, moment, window, stopped=stopped, order=order)
                last = moment
            if ended:
                return tally.landed()
            sleep(pace.wait(now).total_seconds())

    def _catch_up(
        self,
        act: Act,
        pace: Pace,
        tally: Tally,
        now: datetime,
        window: Window,
        *,
        stopped: Callable[[], bool],
        order: Order,
    ) -> None:
        watch = order.get("on_file")
        while due := pace.due(now, tally.readings):
            self._land(act, tally, min(due, _MOST_READINGS_PER_STREAM_FILE), window, order)
            if watch:
                watch(len(tally.files), None)
            if stopped():
                return

    def _land(self, act: Act, tally: Tally, readings: int, window: Window, order: Order) -> None:
        anomaly_rate = 1.0 if act.always_celsius else order.get("anomaly_rate", ANOMALY_RATE)
        sheet = draw(
            act,
            self.devices,
            self._rng,
            window,
            readings=readings,
            anomalous=tally.share_of_next(readings, anomaly_rate),
            missing_device_id=tally.share_of_next(readings, act.missing_device_id_share),
        )
        tally.add(self.landing.write(act.name, sheet.encoded(order.get("format", "array"))), sheet)


def _check_order(files: int, records: int, anomaly_rate: float) -> None:
    for option, number in (("files", files), ("records", records)):
        if number < 1:
            problem = f"The number of {option} must be 1 or more; got {number}."
            raise AuthorError(problem, f"Correct --{option}.")
    if not 0 <= anomaly_rate <= 1:
        problem = f"The anomaly rate must be a share from 0 to 1; got {anomaly_rate}."
        raise AuthorError(problem, "Correct --anomaly-rate, for example 0.05.")


def _window(act: Act, at: datetime) -> Window:
    try:
        return Window(at - act.oldest, at - act.youngest)
    except OverflowError:
        problem = f"The time {at.isoformat()} is too early for readings older than it."
        raise AuthorError(problem, "Correct --at.") from None
