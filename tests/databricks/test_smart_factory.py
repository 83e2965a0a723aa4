"""A factory's pipeline in the form that Databricks' demos have: files, rules, a table of rejected rows, windows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse
    from tests.databricks.conftest import Project

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SOURCE = """
import dlt
from typing import Final
from pyspark.sql.functions import col, expr, window

LANDED: Final[str] = "/Volumes/main/shop/raw"


@dlt.table(name="bronze", comment="Readings as sent.")
def bronze():
    return (
        spark.readStream.format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.schemaLocation", LANDED)  # where the columns are remembered
        .load(LANDED)
        .withColumn("ingestion_timestamp", expr("from_utc_timestamp(current_timestamp(), 'Europe/Paris')"))
        .withColumn("source_file", expr("_metadata.file_path"))
    )


def readings():
    return dlt.read_stream("bronze").select(
        "device_id",
        col("timestamp").cast("timestamp").alias("event_timestamp"),
        "temperature_celsius",
        "vibration_hz",
        "location",
        "ingestion_timestamp",
        "source_file",
    )


@dlt.table(name="silver", comment="Readings of known devices.")
@dlt.expect_or_drop("valid_device_id", "device_id IS NOT NULL")
@dlt.expect("warn_on_high_temp", "temperature_celsius < 40")
def silver():
    return readings()


@dlt.table(name="silver_quarantined", comment="Readings without a device.")
@dlt.expect_or_drop("invalid_device_id", "device_id IS NULL")
def silver_quarantined():
    return readings()


@dlt.table(name="gold", comment="Each device in windows of 30 seconds.")
def gold():
    return (
        dlt.read_stream("silver")
        .groupBy("device_id", "location", window("event_timestamp", "30 seconds"))
        .agg(
            expr("avg(temperature_celsius)").alias("avg_temp"),
            expr("max(temperature_celsius)").alias("max_temp"),
            expr("count(*)").alias("reading_count"),
        )
    )
"""


def land(project: Project, name: str, *readings: tuple[str | None, int, float], **more: Any) -> None:
    """Put a file into the folder: a device, the second of its reading, and a temperature each."""
    lines = [
        json.dumps({
            "device_id": device, "timestamp": f"2026-03-01T08:00:{second:02}", "temperature_celsius": temperature,
            "vibration_hz": 50.0, "location": "north", **more,
        })
        for device, second, temperature in readings
    ]  # fmt: skip
    project.write(f"raw/{name}", "\n".join(lines))


def devices(shop: TestLakehouse, table: str) -> list[tuple[Any, ...]]:
    rows = shop.rows(table, "device_id", "temperature_celsius", "source_file")
    return sorted((row["device_id"], row["temperature_celsius"], row["source_file"][-6:]) for row in rows)


def windows(shop: TestLakehouse) -> list[tuple[Any, ...]]:
    rows = shop.rows("gold", "device_id", "window", "avg_temp", "max_temp", "reading_count")
    return sorted(
        (row["device_id"], row["window"]["start"].second, row["avg_temp"], row["max_temp"], row["reading_count"])
        for row in rows
    )


def test_factory_written_for_databricks_is_right_after_each_step_and_takes_a_new_column(project: Project) -> None:
    project.write("source/dlt_pipeline.py", SOURCE)
    shop = project.settings()

    land(project, "a.json", ("m1", 5, 21.0), ("m1", 10, 45.5), ("m2", 12, 19.0), (None, 13, 20.0))
    assert shop.update().state == "COMPLETED"
    first = [("m1", "21.0", "a.json"), ("m1", "45.5", "a.json"), ("m2", "19.0", "a.json")]
    assert devices(shop, "silver") == first
    assert devices(shop, "silver_quarantined") == [(None, "20.0", "a.json")]
    assert windows(shop) == [("m1", 0, 33.25, "45.5", 2), ("m2", 0, 19.0, "19.0", 1)]
    assert "humidity_percent" not in shop.rows("bronze")[0]

    land(project, "b.json", ("m1", 20, 23.5), ("m2", 40, 18.0), (None, 41, 22.0), humidity_percent=61.5)
    assert shop.update().state == "COMPLETED"
    second = [("m1", "23.5", "b.json"), ("m2", "18.0", "b.json")]
    assert devices(shop, "silver") == sorted([*first, *second])
    assert devices(shop, "silver_quarantined") == [(None, "20.0", "a.json"), (None, "22.0", "b.json")]
    assert windows(shop) == [("m1", 0, 30.0, "45.5", 3), ("m2", 0, 19.0, "19.0", 1), ("m2", 30, 18.0, "18.0", 1)]
    humidity = shop.rows("bronze", "humidity_percent", by="humidity_percent")
    assert [row["humidity_percent"] for row in humidity].count("61.5") == 3
    assert [row["humidity_percent"] for row in humidity].count(None) == 4

    land(project, "c.json", ("m3", 50, 80.0), humidity_percent=30.0)
    assert shop.update().state == "COMPLETED"
    assert devices(shop, "silver") == sorted([*first, *second, ("m3", "80.0", "c.json")])
    assert windows(shop)[-1] == ("m3", 30, 80.0, "80.0", 1)
    *_, quality = shop.quality("silver")
    counts = {rule["name"]: (rule["passed_records"], rule["failed_records"]) for rule in quality["expectations"]}
    assert counts == {"valid_device_id": (1, 0), "warn_on_high_temp": (0, 1)}
    ingested = [row["ingestion_timestamp"] for row in shop.rows("bronze", "ingestion_timestamp")]
    assert all(isinstance(one, datetime) for one in ingested)
    assert len(ingested) == 8
