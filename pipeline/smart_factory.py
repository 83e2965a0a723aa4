"""The Smart Factory's tables, from landing files to gold."""

from datetime import timedelta

from pyspark.sql import DataFrame

from pipeline import TimeWindow, materialized_view, read, read_files, read_quarantine, read_stream, table
from pipeline.sensor_readings import cleaned, hourly_summary, newest_readings


@table(
    comment="Raw sensor readings exactly as they landed, with the file that brought each",
    expectations="bronze_sensor_readings",
)
def bronze_sensor_readings() -> DataFrame:
    return read_files(
        "sensor_readings",
        format="json",
        schema_hints="""
            device_id STRING, timestamp STRING, temperature_celsius DOUBLE, vibration_hz DOUBLE, location STRING
        """,
    )


@table(
    comment="Validated readings with their event time; odd rows are marked, wrong ones are left out",
    expectations="silver_cleaned_sensors",
    expectation_columns=["latest_plausible_timestamp"],
    quarantine="silver_quarantined_sensors",
)
def silver_cleaned_sensors() -> DataFrame:
    return cleaned(read_stream("bronze_sensor_readings"))


@table(comment="Readings that silver left out, as bronze has them, with the reasons")
def silver_quarantined_sensors() -> DataFrame:
    return read_quarantine("silver_cleaned_sensors")


@materialized_view(
    comment="Temperature and vibration of each device, hour by hour",
    expectations="gold_hourly_device_summary",
    keys=["device_id", "location"],
    time_window=TimeWindow("event_timestamp", timedelta(hours=1)),
)
def gold_hourly_device_summary() -> DataFrame:
    return hourly_summary(read("silver_cleaned_sensors"))


@materialized_view(
    comment="The newest reading of each device",
    expectations="gold_device_status",
    keys=["device_id"],
)
def gold_device_status() -> DataFrame:
    return newest_readings(read("silver_cleaned_sensors"))
