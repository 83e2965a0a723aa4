"""Readings with keys that cannot become columns as they are."""

from __future__ import annotations

from generators.faults.fault import Fault
from generators.faults.sample import Sample, array
from generators.faults.values import odd_reading

KEYS_OF_WIDE_RECORD = 5_000


def _wide_record(sample: Sample) -> bytes:
    extra = {f"channel_{number:04}": str(number) for number in range(KEYS_OF_WIDE_RECORD)}
    return array(sample.reading(), sample.reading(extra), sample.reading())


def _duplicate_keys(sample: Sample) -> bytes:
    twice = sample.reading()[:-1] + ',"temperature_celsius":99.9}'
    return array(sample.reading(), twice, sample.reading())


COLUMN_FAULTS = (
    Fault("wide_record", f"a record with {KEYS_OF_WIDE_RECORD:,} additional keys", _wide_record, 3, 0),
    Fault("duplicate_keys", "a record that has one key twice, with two values", _duplicate_keys, 2, 1),
    odd_reading(
        "keys_differing_by_case",
        "keys that differ from a column only in case",
        Device_ID='"MFG-B-2004"',
        TEMPERATURE_CELSIUS="99.9",
    ),
    odd_reading("column_named_source_file", "a key named source_file", source_file='"/etc/passwd"'),
    odd_reading("column_named_record_id", "a key named record_id", record_id='"00000000"'),
    odd_reading("column_named_rescued_data", "a key named _rescued_data", _rescued_data='"nothing to see"'),
    odd_reading("column_named_corrupt_record", "a key named _corrupt_record", _corrupt_record='"nothing to see"'),
    odd_reading("illegal_column_name", "a key named `humidity (%)`", **{"humidity (%)": "41.5"}),
)
