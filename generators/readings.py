"""Readings: drawing them and writing them as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from generators.acts import Act
    from generators.fleet import Device

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
    """The time that readings are spread over, its end excluded."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Sheet:
    """Readings as they are sent, in order of time, and the truth about them.

    Attributes:
        records: The readings, key by key.
        anomalous: How many were drawn from the anomalous ranges.
        missing_device_id: How many lack the key `device_id`.
        hot: How many are over 40 °C.
        hot_with_device_id: How many of the hot ones tell their device.
    """

    records: list[dict[str, Any]]
    anomalous: int
    missing_device_id: int
    hot: int
    hot_with_device_id: int

    def encoded(self, layout: Format) -> bytes:
        """Return the readings as one JSON array on one line, or as JSON Lines."""
        newline = orjson.OPT_APPEND_NEWLINE
        if layout == "array":
            return orjson.dumps(self.records, option=newline)
        return b"".join(orjson.dumps(record, option=newline) for record in self.records)


def draw(
    act: Act,
    devices: Sequence[Device],
    rng: np.random.Generator,
    window: Window,
    *,
    readings: int,
    anomalous: int,
    missing_device_id: int,
) -> Sheet:
    """Return readings of randomly chosen devices.

    Args:
        act: What the readings look like.
        devices: Who sends them.
        rng: The only source of chance.
        window: When they were taken.
        readings: How many there are.
        anomalous: How many of them are anomalous; all are where the act is always hot.
        missing_device_id: How many of them lack the key `device_id`.
    """
    is_anomalous = _chosen(rng, readings, anomalous)
    celsius = _measured(
        rng,
        is_anomalous,
        act.always_celsius or NORMAL_TEMPERATURE_CELSIUS,
        act.always_celsius or ANOMALOUS_TEMPERATURE_CELSIUS,
        TEMPERATURE_DECIMALS,
    )
    hertz = _measured(rng, is_anomalous, NORMAL_VIBRATION_HZ, ANOMALOUS_VIBRATION_HZ, VIBRATION_DECIMALS)
    senders = [devices[number] for number in rng.integers(0, len(devices), readings).tolist()]
    records = _records(senders, _timestamps(act, rng, window, readings), celsius.tolist(), hertz.tolist())
    if act.has_humidity:
        humidity = _uniform(rng, HUMIDITY_PERCENT, HUMIDITY_DECIMALS, readings).tolist()
        for record, percent in zip(records, humidity, strict=True):
            record["humidity_percent"] = percent
    is_missing = _chosen(rng, readings, missing_device_id)
    for position in np.flatnonzero(is_missing).tolist():
        del records[position]["device_id"]
    is_hot = celsius > HOT_ABOVE_CELSIUS
    return Sheet(
        records=records,
        anomalous=int(is_anomalous.sum()),
        missing_device_id=int(is_missing.sum()),
        hot=int(is_hot.sum()),
        hot_with_device_id=int((is_hot & ~is_missing).sum()),
    )


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
    # Whole steps, then one division: every value is the double nearest to its decimals, both bounds included.
    scale = 10**decimals
    low, high = (round(bound * scale) for bound in bounds)
    steps = rng.integers(low, high, count, endpoint=True)
    return np.asarray(steps / scale, dtype=np.float64)


def _timestamps(act: Act, rng: np.random.Generator, window: Window, count: int) -> list[str]:
    offset = act.utc_offset or timedelta()
    begin = np.datetime64((window.begin.astimezone(UTC) + offset).replace(tzinfo=None), "us")
    width = max((window.end - window.begin) // _MICROSECOND, 1)
    moments = begin + np.sort(rng.integers(0, width, count)).astype("timedelta64[us]")
    texts: list[str] = np.datetime_as_string(moments, unit="us").tolist()
    if act.utc_offset is None:
        return texts
    suffix = _offset_text(act.utc_offset)
    return [text + suffix for text in texts]


def _offset_text(offset: timedelta) -> str:
    sign = "-" if offset < timedelta() else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{sign}{hours:02}:{minutes:02}"
