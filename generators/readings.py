"""Readings: drawn at random, and encoded as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from generators.fleet import Device
    from generators.scenarios import Scenario

Format = Literal["array", "lines"]

HOT_ABOVE_CELSIUS = 40.0
NORMAL_TEMPERATURE_CELSIUS = (25.0, 35.0)
ANOMALOUS_TEMPERATURE_CELSIUS = (40.01, 45.0)
NORMAL_VIBRATION_HZ = (0.1, 0.5)
ANOMALOUS_VIBRATION_HZ = (0.5, 1.2)
HUMIDITY_PERCENT = (30.0, 50.0)
TEMPERATURE_DECIMALS = 2
VIBRATION_DECIMALS = 3
HUMIDITY_DECIMALS = 1

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """The time in which readings are taken, its end excluded."""

    begin: datetime
    end: datetime


@dataclass
class Counts:
    """The truth about readings.

    Attributes:
        readings: How many there are.
        anomalous: How many of these were drawn from the anomalous ranges.
        missing_device_id: How many have no key `device_id`.
        hot: How many are over 40 °C.
        hot_with_device_id: How many of the hot ones have a `device_id`.
    """

    readings: int = 0
    anomalous: int = 0
    missing_device_id: int = 0
    hot: int = 0
    hot_with_device_id: int = 0


@dataclass(frozen=True)
class Readings:
    """Readings as they are sent, each a mapping, in order of time, and the truth about them."""

    records: list[dict[str, Any]]
    counts: Counts

    def encoded(self, layout: Format) -> bytes:
        """Return the readings as one JSON array on one line, or as JSON Lines."""
        newline = orjson.OPT_APPEND_NEWLINE
        if layout == "array":
            return orjson.dumps(self.records, option=newline)
        return b"".join(orjson.dumps(record, option=newline) for record in self.records)


def draw(
    scenario: Scenario,
    devices: Sequence[Device],
    rng: np.random.Generator,
    window: Window,
    *,
    readings: int,
    anomalous: int,
    missing_device_id: int,
) -> Readings:
    """Return readings of randomly chosen devices.

    Args:
        scenario: What the readings look like.
        devices: The sensors that send them.
        rng: The only source of randomness.
        window: When they were taken.
        readings: How many there are.
        anomalous: How many of them are anomalous; an always hot scenario passes all.
        missing_device_id: How many of them have no key `device_id`.
    """
    is_anomalous = _chosen(rng, readings, anomalous)
    celsius = _measured(
        rng,
        is_anomalous,
        scenario.always_celsius or NORMAL_TEMPERATURE_CELSIUS,
        scenario.always_celsius or ANOMALOUS_TEMPERATURE_CELSIUS,
        TEMPERATURE_DECIMALS,
    )
    hertz = _measured(rng, is_anomalous, NORMAL_VIBRATION_HZ, ANOMALOUS_VIBRATION_HZ, VIBRATION_DECIMALS)
    senders = [devices[number] for number in rng.integers(0, len(devices), readings).tolist()]
    records = _records(senders, _timestamps(scenario, rng, window, readings), celsius.tolist(), hertz.tolist())
    if scenario.has_humidity:
        humidity = _uniform(rng, HUMIDITY_PERCENT, HUMIDITY_DECIMALS, readings).tolist()
        for record, percent in zip(records, humidity, strict=True):
            record["humidity_percent"] = percent
    is_missing = _chosen(rng, readings, missing_device_id)
    for position in np.flatnonzero(is_missing).tolist():
        del records[position]["device_id"]
    is_hot = celsius > HOT_ABOVE_CELSIUS
    counts = (is_anomalous, is_missing, is_hot, is_hot & ~is_missing)
    return Readings(records, Counts(readings, *(int(chosen.sum()) for chosen in counts)))


def _records(
    senders: Sequence[Device], timestamps: Iterable[str], celsius: list[float], hertz: list[float]
) -> list[dict[str, Any]]:
    return [
        {
            "device_id": sender.device_id,
            "timestamp": timestamp,
            "temperature_celsius": temperature,
            "vibration_hz": vibration,
            "location": sender.location,
        }
        for sender, timestamp, temperature, vibration in zip(senders, timestamps, celsius, hertz, strict=True)
    ]


def _chosen(rng: np.random.Generator, total: int, count: int) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(total, dtype=np.bool_)
    chosen[rng.choice(total, count, replace=False)] = True
    return chosen


def _measured(
    rng: np.random.Generator,
    is_anomalous: npt.NDArray[np.bool_],
    normal: tuple[float, float],
    anomalous: tuple[float, float],
    decimals: int,
) -> npt.NDArray[np.float64]:
    values = _uniform(rng, normal, decimals, len(is_anomalous))
    values[is_anomalous] = _uniform(rng, anomalous, decimals, int(is_anomalous.sum()))
    return values


def _uniform(
    rng: np.random.Generator, bounds: tuple[float, float], decimals: int, count: int
) -> npt.NDArray[np.float64]:
    # Integers divided once: every value is the double nearest to its decimal notation, and both bounds occur.
    scale = 10**decimals
    low, high = (round(bound * scale) for bound in bounds)
    steps = rng.integers(low, high, count, endpoint=True)
    return np.asarray(steps / scale, dtype=np.float64)


def _timestamps(scenario: Scenario, rng: np.random.Generator, window: Window, count: int) -> list[str]:
    offset = scenario.utc_offset or timedelta()
    begin = np.datetime64((window.begin.astimezone(UTC) + offset).replace(tzinfo=None), "us")
    width = max((window.end - window.begin) // _MICROSECOND, 1)
    moments = begin + np.sort(rng.integers(0, width, count)).astype("timedelta64[us]")
    texts: list[str] = np.datetime_as_string(moments, unit="us").tolist()
    if scenario.utc_offset is None:
        return texts
    suffix = _offset_text(scenario.utc_offset)
    return [text + suffix for text in texts]


def _offset_text(offset: timedelta) -> str:
    sign = "-" if offset < timedelta() else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{sign}{hours:02}:{minutes:02}"


# Called after each file with the number of files landed, and with how many there will be (None: unknown).
OnFile = Callable[[int, int | None], None]


@dataclass
class Landed(Counts):
    """Files in the order of landing, and the truth about the readings in them."""

    files: list[Path] = field(default_factory=list)

    def add(self, path: Path, counts: Counts) -> None:
        """Count one landed file."""
        self.files.append(path)
        for name, count in asdict(counts).items():
            setattr(self, name, getattr(self, name) + count)

    @property
    def counts(self) -> Counts:
        """The counts alone."""
        return Counts(*(getattr(self, one.name) for one in fields(Counts)))

    def share_of_next(self, readings: int, share: float) -> int:
        """Return how many of the next readings belong to a share of all.

        Whatever the sizes of the files, the sum stays within one reading of the share of all landed readings.
        """
        return _nearest((self.readings + readings) * share) - _nearest(self.readings * share)


def _nearest(amount: float) -> int:
    return int(amount + 0.5)
