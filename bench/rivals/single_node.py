"""Polars and delta-rs: one batch, all in memory; no streams, no exactly-once, no late data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = {
    "device_id": pl.String,
    "timestamp": pl.String,
    "temperature_celsius": pl.Float64,
    "vibration_hz": pl.Float64,
    "location": pl.String,
}


def run(landing: Path, tables: Path) -> None:
    """Carry a folder of JSON Lines into bronze, silver, quarantine and gold."""
    bronze = pl.read_ndjson(sorted(landing.iterdir()), schema=_SCHEMA)
    bronze.write_delta(tables / "bronze")
    timed = bronze.with_columns(pl.col("timestamp").str.to_datetime(strict=False).alias("event_timestamp"))
    is_good = (
        pl.col("device_id").is_not_null()
        & pl.col("temperature_celsius").is_between(-50, 200)
        & pl.col("event_timestamp").is_not_null()
    ).fill_null(value=False)
    silver = timed.filter(is_good)
    silver.write_delta(tables / "silver")
    timed.filter(~is_good).write_delta(tables / "quarantine")
    hour = pl.col("event_timestamp").dt.truncate("1h").alias("window_start")
    gold = silver.group_by("device_id", "location", hour).agg(
        pl.col("temperature_celsius").mean().alias("avg_temp"),
        pl.col("temperature_celsius").max().alias("max_temp"),
        pl.col("vibration_hz").mean().alias("avg_vibration"),
        pl.len().alias("reading_count"),
    )
    gold.write_delta(tables / "gold")
