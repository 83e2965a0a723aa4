"""Bronze, silver and gold, declared for `spark-pipelines`; parquet, since its views cannot read Delta streams."""

from pyspark import pipelines as dp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

spark = SparkSession.active()
_SCHEMA = "device_id STRING, timestamp STRING, temperature_celsius DOUBLE, vibration_hz DOUBLE, location STRING"


@dp.table
def bronze() -> DataFrame:
    """Readings as they landed."""
    return spark.readStream.schema(_SCHEMA).json(str(spark.conf.get("bench.landing")))


@dp.table
def silver() -> DataFrame:
    """Readings with a device and a plausible temperature."""
    timed = spark.readStream.table("bronze").withColumn("event_timestamp", F.try_to_timestamp("timestamp"))
    return timed.where("device_id IS NOT NULL AND temperature_celsius BETWEEN -50 AND 200")


@dp.materialized_view
def gold() -> DataFrame:
    """Hour by hour and device by device."""
    hour = F.window("event_timestamp", "1 hour")
    return (
        spark.read.table("silver")
        .groupBy("device_id", "location", hour)
        .agg(
            F.avg("temperature_celsius").alias("avg_temp"),
            F.max("temperature_celsius").alias("max_temp"),
            F.avg("vibration_hz").alias("avg_vibration"),
            F.count(F.lit(1)).alias("reading_count"),
        )
    )
