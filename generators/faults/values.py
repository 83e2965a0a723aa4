"""Readings that parse, with a value that no sensor should send."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from generators.faults.fault import Fault
from generators.faults.sample import Sample, array

if TYPE_CHECKING:
    from collections.abc import Callable


_DEVICE = "valid_device_id"
_TIMESTAMP = "valid_event_timestamp"
_TIMESTAMP_RANGE = "plausible_event_timestamp"
_TEMPERATURE_RANGE = "plausible_temperature"


def odd_reading(name: str, description: str, violates: str | None = None, **raw_values: str) -> Fault:
    """Return a fault of three readings, the second with the given JSON text as the values of the given keys."""
    return odd_reading_from(name, description, lambda _: raw_values, violates)


def odd_reading_from(
    name: str, description: str, raw_values: Callable[[Sample], dict[str, str]], violates: str | None = None
) -> Fault:
    """Return a fault of three readings, the second with values that depend on the moment."""

    def content(sample: Sample) -> bytes:
        return array(sample.reading(), sample.reading(raw_values(sample)), sample.reading())

    return Fault(name, description, content, good_records=3, corrupt_records=0, violates=violates)


def _missing_device_id(sample: Sample) -> bytes:
    return array(sample.reading(), sample.reading(without=("device_id",)), sample.reading())


def _epoch(sample: Sample, per_second: int) -> str:
    return str(int(sample.at.timestamp() * per_second))


def _in_a_year(sample: Sample) -> str:
    return json.dumps((sample.at + timedelta(days=365)).astimezone(UTC).replace(tzinfo=None).isoformat())


TEMPERATURES = (
    odd_reading("nested_number", "an object in place of a number", temperature_celsius='{"value":21.5,"unit":"C"}'),
    odd_reading("array_for_number", "an array in place of a number", temperature_celsius="[21.5,22.5]"),
    odd_reading("boolean_for_number", "true in place of a number", temperature_celsius="true"),
    odd_reading("words_for_number", "a word in place of a number", temperature_celsius='"warm"'),
    odd_reading("number_as_text", "numbers as text", temperature_celsius='"21.5"', vibration_hz='"0.25"'),
    odd_reading("nan", "NaN, which is not valid JSON", temperature_celsius="NaN"),
    odd_reading("nan_as_text", "NaN as text", temperature_celsius='"NaN"'),
    odd_reading("overflowing_number", "1e999, too large for a double", temperature_celsius="1e999"),
    odd_reading("too_hot", "9999 °C", _TEMPERATURE_RANGE, temperature_celsius="9999"),
    odd_reading("below_absolute_zero", "-273.16 °C", _TEMPERATURE_RANGE, temperature_celsius="-273.16"),
)

DEVICE_IDS = (
    odd_reading("null_device_id", "device_id is null", _DEVICE, device_id="null"),
    Fault("missing_device_id", "device_id is missing", _missing_device_id, 3, 0, _DEVICE),
    odd_reading("empty_device_id", "device_id is an empty text", _DEVICE, device_id='""'),
    odd_reading("blank_device_id", "device_id is blank", _DEVICE, device_id='"   "'),
    odd_reading(
        "unicode_in_device_id",
        "device_id with letters of other scripts, an escape and an emoji",
        device_id=r'"MFG-Ü-工場-\u03a9-🏭"',
    ),
    odd_reading(
        "quotes_in_device_id",
        "device_id with quotes, a backslash and a line break",
        device_id=json.dumps("MFG-A-\"1000\" 'x'; -- \\ \n"),
    ),
)

TIMESTAMPS = (
    odd_reading("time_without_date", "a time without a date", _TIMESTAMP, timestamp='"T10:00"'),
    odd_reading_from(
        "epoch_seconds", "a timestamp in seconds since 1970", lambda sample: {"timestamp": _epoch(sample, 1)}
    ),
    odd_reading_from(
        "epoch_milliseconds",
        "a timestamp in milliseconds since 1970",
        lambda sample: {"timestamp": _epoch(sample, 1000)},
    ),
    odd_reading_from(
        "epoch_seconds_as_text",
        "a timestamp in seconds since 1970, as text",
        lambda sample: {"timestamp": json.dumps(_epoch(sample, 1))},
    ),
    odd_reading("unparsable_timestamp", "words in place of a timestamp", _TIMESTAMP, timestamp='"yesterday at noon"'),
    odd_reading("impossible_date", "the 30th of February", _TIMESTAMP, timestamp='"2024-02-30T10:00:00"'),
    odd_reading_from(
        "future_timestamp",
        "a timestamp one year ahead",
        lambda sample: {"timestamp": _in_a_year(sample)},
        _TIMESTAMP_RANGE,
    ),
    odd_reading("ancient_timestamp", "a timestamp of 1875", _TIMESTAMP_RANGE, timestamp='"1875-05-20T08:00:00.000000"'),
)

VALUE_FAULTS = (*TEMPERATURES, *DEVICE_IDS, *TIMESTAMPS)
