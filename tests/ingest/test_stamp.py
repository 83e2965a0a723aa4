"""The identity and the moment that records are given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.ingest.stamp import Stamp

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
RECORDS = pa.schema([("device_id", pa.string())])


def records(*devices: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"device_id": list(devices)}, RECORDS)


def test_records_are_numbered_through_their_batches_and_apart_from_other_parts() -> None:
    stamp = Stamp(NOON, "0123456789abcdef")
    first = list(stamp.on_batches(iter([records("a", "b"), records(), records("c")])))
    (second,) = stamp.on_batches(iter([records("d")]), part=2)
    assert pa.Table.from_batches([*first, second]).to_pylist() == [
        {"record_id": "0123456789abcdef-0", "device_id": "a", "ingestion_timestamp": NOON},
        {"record_id": "0123456789abcdef-1", "device_id": "b", "ingestion_timestamp": NOON},
        {"record_id": "0123456789abcdef-2", "device_id": "c", "ingestion_timestamp": NOON},
        {"record_id": "0123456789abcdef-400000000", "device_id": "d", "ingestion_timestamp": NOON},
    ]


@pytest.mark.parametrize("part", [0, 1, 7])
def test_many_records_have_the_hexadecimal_numbers_that_follow_one_another(part: int) -> None:
    counts = (4_000, 200, 1, 9_000, 3)
    sent = [pa.RecordBatch.from_pydict({"device_id": ["a"] * count}, RECORDS) for count in counts]
    stamped = pa.Table.from_batches(Stamp(NOON, "0123456789abcdef").on_batches(iter(sent), part))
    first = part * 2**33
    assert stamped["record_id"].to_pylist() == [
        f"0123456789abcdef-{number:x}" for number in range(first, first + sum(counts))
    ]


def test_stamps_of_two_batches_differ() -> None:
    assert Stamp(NOON).batch_digits != Stamp(NOON).batch_digits


@pytest.mark.spark
@pytest.mark.usefixtures("elsewhere")
def test_stamped_rows_are_the_same_as_a_frame_in_any_time_zone(spark: SparkSession) -> None:
    (stamped,) = Stamp(NOON).on_batches(iter([records("a", "b")]))
    frame = spark.createDataFrame(pa.Table.from_batches([stamped]))
    assert frame.toArrow().cast(stamped.schema).to_pylist() == stamped.to_pylist()
