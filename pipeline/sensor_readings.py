"""The factory's steps from readings to tables: pure functions from frame to frame."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LATEST_PLAUSIBLE = timedelta(minutes=10)

# `\z` rather than `$`, which also matches before a trailing newline.
_ISO_8601 = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?\z"
_TO_THE_MINUTE = r"^(.{16})"
_EPOCH = r"^-?\d+(\.\d+)?([eE][+-]?\d+)?\z"
_FIRST_EPOCH_IN_MILLISECONDS = 100_000_000_000.0
_ONLY_IN_BRONZE = ("timestamp", "_rescued_data", "_corrupt_record", "file_modification_time")


def event_timestamp(sent: Column) -> Column:
    """Return the moment that a timestamp's text names, in UTC, or NULL.

    Two forms are accepted. One is ISO 8601's extended form with a date and a time: `2026-01-31T10:00`, optionally
    with a space instead of the T, seconds, a fraction, and `Z` or an offset; without an offset it is UTC. The other
    is a number since the epoch: seconds below 10^11, milliseconds from there on. Everything else is NULL, while
    Spark's own cast would also accept `T10:00` (as today) and years beyond 9999.
    """
    text = F.trim(sent)
    is_iso = text.rlike(_ISO_8601)
    # Compare lengths where that is enough: finding a character takes longer.
    length = F.octet_length(text)
    may_have_offset = (length >= len("2026-01-31T10:00+01:00")) & (length != len("2026-01-31T10:00:00.123456"))
    has_numeric_offset = may_have_offset & F.substring(text, -6, 1).isin("+", "-")
    is_short = length <= len("2026-01-31T10:00Z")
    ends_at_the_minute = is_short | ((length == len("2026-01-31T10:00+01:00")) & has_numeric_offset)
    with_seconds = F.when(ends_at_the_minute, F.regexp_replace(text, _TO_THE_MINUTE, "$1:00")).otherwise(text)
    # Append "Z" where the offset is missing, because the cast would assume the session's time zone. In a UTC session
    # this is skipped: parsing a zone is slow.
    has_zone = (F.current_timezone() == "UTC") | F.endswith(text, F.lit("Z")) | has_numeric_offset
    complete = F.when(has_zone, with_seconds).otherwise(F.concat(with_seconds, F.lit("Z")))
    is_epoch = text.rlike(_EPOCH)
    epoch = F.when(is_epoch, text.try_cast("double"))
    is_seconds = F.abs(epoch) < F.lit(_FIRST_EPOCH_IN_MILLISECONDS)
    seconds = F.when(is_seconds, epoch).otherwise(epoch / 1000)
    is_representable = F.abs(seconds) < F.lit(_FIRST_EPOCH_IN_MILLISECONDS)
    from_epoch = F.when(is_representable, F.timestamp_micros(F.round(seconds * 1_000_000).cast("bigint")))
    return F.when(is_iso, complete.try_cast("timestamp")).when(is_epoch, from_epoch)


def cleaned(readings: DataFrame) -> DataFrame:
    """Return bronze readings with their event time instead of the text as sent.

    Columns that bronze gained later pass through. `latest_plausible_timestamp` is for the expectations only.
    """
    # In microseconds: Spark adds an interval through a calendar, which is slower.
    latest_plausible = F.unix_micros("ingestion_timestamp") + LATEST_PLAUSIBLE // timedelta(microseconds=1)
    timed = readings.withColumn("event_timestamp", event_timestamp(F.col("timestamp"))).withColumn(
        "latest_plausible_timestamp", F.timestamp_micros(latest_plausible)
    )
    first = ["record_id", "device_id", "event_timestamp", "temperature_celsius", "vibration_hz", "location"]
    last = ["source_file", "ingestion_timestamp"]
    # A sender's key may contain a dot, which Spark reads as a field unless the name is quoted.
    later = [f"`{name}`" for name in timed.columns if name not in {*first, *last, *_ONLY_IN_BRONZE}]
    return timed.select(*first, *later, *last)


def hourly_summary(readings: DataFrame) -> DataFrame:
    """Return one row for each device, location and hour: averages, the maximum and the number of readings.

    Temperatures are in degrees Celsius, vibration in hertz. A device or location that is NULL is a group too.
    """
    hour = F.window("event_timestamp", "1 hour")
    return (
        readings.groupBy("device_id", "location", hour.alias("hour"))
        .agg(
            F.avg("temperature_celsius").alias("avg_temp"),
            F.max("temperature_celsius").alias("max_temp"),
            F.avg("vibration_hz").alias("avg_vibration"),
            F.count(F.lit(1)).alias("reading_count"),
        )
        .select(
            "device_id",
            "location",
            F.col("hour.start").alias("window_start"),
            F.col("hour.end").alias("window_end"),
            "avg_temp",
            "max_temp",
            "avg_vibration",
            "reading_count",
        )
    )


def newest_readings(readings: DataFrame) -> DataFrame:
    """Return one row for each device: its newest reading by event time.

    Of readings with the same event time it is the one that was ingested last, and of those the hottest.
    """
    columns = ("event_timestamp", "ingestion_timestamp", "temperature_celsius", "vibration_hz", "location", "record_id")
    # Structs are compared field by field. The row so far and the new readings are all that the next row depends on.
    newest = readings.groupBy("device_id").agg(F.max(F.struct(*columns)).alias("newest"))
    return newest.select("device_id", "newest.*")
