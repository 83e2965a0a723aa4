"""The factory's steps as functions: literal rows in, whole frames out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.sensor_readings import cleaned, event_timestamp, hourly_summary, newest_readings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


TEN = at(2026, 1, 31, 10)
TAKEN: dict[str, datetime] = {
    "2026-01-31T10:00:00": TEN,
    "2026-01-31 10:00:00": TEN,
    "2026-01-31T10:00": TEN,
    "2026-01-31 10:00": TEN,
    "2026-01-31T10:00Z": TEN,
    "2026-01-31T10:00:00Z": TEN,
    "2026-01-31T05:00:00-05:00": TEN,
    "2026-01-31 15:30:00+05:30": TEN,
    "2026-01-31T00:30:00-09:30": TEN,
    "2026-02-01T00:00+14:00": TEN,
    "2026-01-31T10:00:00.5": at(2026, 1, 31, 10, 0, 0, 500_000),
    "2026-01-31T10:00:00.123456Z": at(2026, 1, 31, 10, 0, 0, 123_456),
    "2026-01-31T10:00:00.123456789": at(2026, 1, 31, 10, 0, 0, 123_456),
    "2026-01-31T05:00:00.25-05:00": at(2026, 1, 31, 10, 0, 0, 250_000),
    "2024-02-29T00:00": at(2024, 2, 29),
    "1999-12-31T23:59:59": at(1999, 12, 31, 23, 59, 59),
    # The night on which New York's clocks jump: in UTC it is an hour like any other.
    "2026-03-08T02:30:00": at(2026, 3, 8, 2, 30),
    "1769853600": TEN,
    "1769853600.25": at(2026, 1, 31, 10, 0, 0, 250_000),
    "1769853600.0": TEN,
    "1769853600000": TEN,
    "1769853600250": at(2026, 1, 31, 10, 0, 0, 250_000),
    "1.7698536e9": TEN,
    "1.7e9": at(2023, 11, 14, 22, 13, 20),
    "0": at(1970, 1, 1),
    "99999999999": at(5138, 11, 16, 9, 46, 39),
    "100000000000": at(1973, 3, 3, 9, 46, 40),
    "2026": at(1970, 1, 1, 0, 33, 46),
    "20260101": at(1970, 8, 23, 11, 48, 21),
}
REFUSED = [
    None,
    "",
    " ",
    "T10:00",
    "12:30",
    "10:00:00",
    "2026-02-30T10:00:00",
    "2025-02-29T10:00:00",
    "2026-13-01T10:00:00",
    "2026-01-31T24:00:01",
    "2026-01-31T10:60:00",
    "2026-01-31",
    "2026-01",
    "2026-1-31T10:00:00",
    "26-01-31T10:00:00",
    "+12026-01-31T10:00:00",
    "2026-01-31T10",
    "2026-01-31T1:00",
    "2026-01-31T10:00:",
    "2026-01-31T10:00:00.",
    "2026-01-31T10:00:00,5",
    "2026-01-31T10:00:00+0500",
    "2026-01-31T10:00:00+05",
    "2026-01-31T10:00:00+5:00",
    "2026-01-31T10:00:00+25:00",
    "2026-01-31T10:00:00 Z",
    "2026-01-31T10:00:00z",
    "2026-01-31t10:00:00",
    "2026-01-31T10:00:00\n",
    "2026-01-31T10:00:00 Europe/Paris",
    "2026-01-31T10:00:00UTC",
    "2026-01-31  10:00:00",
    "20260131T100000Z",
    "2026-W05-6T10:00:00",
    "31/01/2026 10:00",
    "Sat, 31 Jan 2026 10:00:00 GMT",
    "now",
    "today",
    "epoch",
    "true",
    "NaN",
    "Infinity",
    "1e999",
    "0x10",
    "1_769_853_600",
    "17698536d",
    "{}",
]


@pytest.fixture(scope="module", params=["UTC", "America/New_York", "Pacific/Kiritimati"])
def zone(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[str]:
    spark.conf.set("spark.sql.session.timeZone", request.param)
    yield request.param
    spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.fixture(scope="module")
def understood(spark: SparkSession, zone: str) -> dict[str | None, int | None]:
    """For each text, the microseconds since 1970 of the moment it was taken for; numbers have no zone."""
    del zone
    texts = spark.createDataFrame([(text,) for text in [*TAKEN, *REFUSED]], "sent STRING")
    rows = texts.select("sent", F.unix_micros(event_timestamp(F.col("sent"))).alias("micros")).collect()
    return {row["sent"]: row["micros"] for row in rows}


@pytest.mark.parametrize("text", TAKEN)
def test_event_timestamp_of_iso_text_or_epoch_number_is_its_moment_in_utc(
    understood: dict[str | None, int | None], text: str
) -> None:
    expected = TAKEN[text] - at(1970, 1, 1)
    assert understood[text] == expected.days * 86_400_000_000 + expected.seconds * 1_000_000 + expected.microseconds


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_event_timestamp_of_anything_else_is_null(understood: dict[str | None, int | None], text: str | None) -> None:
    assert understood[text] is None


def collected(frame: DataFrame) -> list[dict[str, Any]]:
    """Return rows in order, timestamps as aware moments whatever zone the session shows them in."""
    moments = [field.name for field in frame.schema if field.dataType.typeName() == "timestamp"]
    texts = frame.withColumns({name: F.date_format(F.to_utc_timestamp(name, F.current_timezone()), _SHOWN)
                               for name in moments})  # fmt: skip
    rows = [row.asDict() for row in texts.collect()]
    for row in rows:
        for name in moments:
            row[name] = row[name] and datetime.fromisoformat(row[name]).replace(tzinfo=UTC)
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


_SHOWN = "yyyy-MM-dd'T'HH:mm:ss"

BRONZE = """
    record_id STRING, device_id STRING, timestamp STRING, temperature_celsius DOUBLE, vibration_hz DOUBLE,
    location STRING, humidity_percent DOUBLE, _rescued_data STRING, _corrupt_record STRING, source_file STRING,
    file_modification_time TIMESTAMP, ingestion_timestamp TIMESTAMP
"""


def test_cleaned_readings_have_event_time_for_text_and_keep_later_columns(spark: SparkSession) -> None:
    noon = at(2026, 1, 31, 12)
    rows = [
        ("r1", "d", "2026-01-31T05:00:00-05:00", 20.0, 0.1, "A", 40.0, None, None, "a.json", noon, noon),
        ("r2", None, "12:30", None, None, None, None, '{"x":1}', None, "a.json", noon, noon),
    ]
    frame = cleaned(spark.createDataFrame(rows, BRONZE))
    assert frame.columns == [
        "record_id",
        "device_id",
        "event_timestamp",
        "temperature_celsius",
        "vibration_hz",
        "location",
        "humidity_percent",
        "latest_plausible_timestamp",
        "source_file",
        "ingestion_timestamp",
    ]
    shared = {
        "latest_plausible_timestamp": at(2026, 1, 31, 12, 10),
        "source_file": "a.json",
        "ingestion_timestamp": noon,
    }
    nothing = dict.fromkeys(frame.columns[1:7])
    assert collected(frame) == [
        {
            "record_id": "r1",
            "device_id": "d",
            "event_timestamp": TEN,
            "temperature_celsius": 20.0,
            "vibration_hz": 0.1,
            "location": "A",
            "humidity_percent": 40.0,
            **shared,
        },
        {"record_id": "r2", **nothing, **shared},
    ]


SILVER = "device_id STRING, location STRING, event_timestamp TIMESTAMP, temperature_celsius DOUBLE, vibration_hz DOUBLE"


def test_hourly_summary_has_a_row_for_each_device_location_and_hour(spark: SparkSession, zone: str) -> None:
    del zone
    rows = [
        ("a", "North", at(2026, 1, 31, 10), 20.0, 0.2),
        ("a", "North", at(2026, 1, 31, 10, 59, 59), 30.0, 0.4),
        ("a", "North", at(2026, 1, 31, 11), 50.0, 0.5),
        ("a", "South", at(2026, 1, 31, 10, 30), 25.0, 0.1),
        ("b", "North", at(2026, 1, 31, 10, 30), None, 0.3),
    ]
    columns = ["device_id", "location", "window_start", "window_end"]
    columns += ["avg_temp", "max_temp", "avg_vibration", "reading_count"]
    expected = [
        ("a", "North", TEN, at(2026, 1, 31, 11), 25.0, 30.0, pytest.approx(0.3), 2),
        ("a", "North", at(2026, 1, 31, 11), at(2026, 1, 31, 12), 50.0, 50.0, 0.5, 1),
        ("a", "South", TEN, at(2026, 1, 31, 11), 25.0, 25.0, 0.1, 1),
        ("b", "North", TEN, at(2026, 1, 31, 11), None, None, 0.3, 1),
    ]
    summary = collected(hourly_summary(spark.createDataFrame(rows, SILVER)))
    assert summary == [dict(zip(columns, row, strict=True)) for row in expected]


def test_hourly_summary_keeps_readings_without_device_or_location_as_groups(spark: SparkSession) -> None:
    rows = [(None, None, TEN, 20.0, 0.2), (None, None, TEN, 30.0, 0.2), ("a", None, TEN, 10.0, 0.2)]
    summary = hourly_summary(spark.createDataFrame(rows, SILVER))
    groups = {(row["device_id"], row["location"]): row["reading_count"] for row in collected(summary)}
    assert groups == {(None, None): 2, ("a", None): 1}


def test_hourly_summary_of_half_hour_offsets_keeps_utc_hours(spark: SparkSession) -> None:
    sent = spark.createDataFrame([("d", "A", "2026-01-31T15:45:00+05:30", 20.0, 0.1)],
                                 SILVER.replace("event_timestamp TIMESTAMP", "sent STRING"))  # fmt: skip
    summary = hourly_summary(sent.withColumn("event_timestamp", event_timestamp(F.col("sent"))))
    assert [row["window_start"] for row in collected(summary)] == [TEN]


def test_newest_readings_are_those_with_the_latest_event_time_of_each_device(spark: SparkSession) -> None:
    schema = f"{SILVER}, ingestion_timestamp TIMESTAMP, record_id STRING"
    early, late = at(2026, 1, 31, 12), at(2026, 1, 31, 13)
    rows = [
        ("a", "North", TEN, 45.0, 0.1, late, "r1"),
        ("a", "South", at(2026, 1, 31, 11), None, 0.2, early, "r2"),
        ("b", "North", TEN, 20.0, 0.3, early, "r3"),
        ("b", "North", TEN, 10.0, 0.4, late, "r4"),
        ("c", "North", TEN, 30.0, 0.5, late, "r5"),
        ("c", "North", TEN, 31.0, 0.6, late, "r6"),
    ]
    names = [
        "device_id", "event_timestamp", "ingestion_timestamp", "temperature_celsius", "vibration_hz", "location", "record_id",
    ]  # fmt: skip
    expected = [
        ("a", at(2026, 1, 31, 11), early, None, 0.2, "South", "r2"),
        ("b", TEN, late, 10.0, 0.4, "North", "r4"),
        ("c", TEN, late, 31.0, 0.6, "North", "r6"),
    ]
    newest = collected(newest_readings(spark.createDataFrame(rows, schema)))
    assert newest == [dict(zip(names, row, strict=True)) for row in expected]
