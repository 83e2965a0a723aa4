"""Bare Spark streams that write the same four tables: a fixed schema, no quality, no rescue, no event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

_SCHEMA = "device_id STRING, timestamp STRING, temperature_celsius DOUBLE, vibration_hz DOUBLE, location STRING"
_IS_GOOD = "device_id IS NOT NULL AND temperature_celsius BETWEEN -50 AND 200 AND event_timestamp IS NOT NULL"


def run(spark: SparkSession, landing: Path, tables: Path) -> None:
    """Carry a folder of JSON Lines into bronze, silver, quarantine and gold."""
    bronze = spark.readStream.schema(_SCHEMA).option("maxFileAge", "36500d").json(str(landing))
    stamped = bronze.select(
        F.expr("uuid()").alias("record_id"),
        "*",
        F.col("_metadata.file_path").alias("source_file"),
        F.current_timestamp().alias("ingestion_timestamp"),
    )
    _append(stamped, tables, "bronze")
    _append(_timed(spark, tables).where(_IS_GOOD), tables, "silver")
    _append(_timed(spark, tables).where(f"NOT coalesce({_IS_GOOD}, false)"), tables, "quarantine")
    hour = F.window("event_timestamp", "1 hour")
    gold = (
        spark.read.format("delta")
        .load(str(tables / "silver"))
        .groupBy("device_id", "location", hour)
        .agg(
            F.avg("temperature_celsius").alias("avg_temp"),
            F.max("temperature_celsius").alias("max_temp"),
            F.avg("vibration_hz").alias("avg_vibration"),
            F.count(F.lit(1)).alias("reading_count"),
        )
    )
    gold.write.format("delta").mode("overwrite").save(str(tables / "gold"))


def _timed(spark: SparkSession, tables: Path) -> DataFrame:
    rows = spark.readStream.format("delta").load(str(tables / "bronze"))
    return rows.withColumn("event_timestamp", F.try_to_timestamp("timestamp"))


def _append(rows: DataFrame, tables: Path, name: str) -> None:
    query = (
        rows.writeStream.format("delta")
        .option("checkpointLocation", str(tables / "checkpoints" / name))
        .trigger(availableNow=True)
        .start(str(tables / name))
    )
    query.awaitTermination()
