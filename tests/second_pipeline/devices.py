"""A plant's device registry, and readings as of their time: one more pipeline for the same engine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline import change_table, materialized_view, read, read_files, read_quarantine, read_stream, table

REMOVED = "operation = 'remove'"


@table(comment="Changes as they were typed in")
def typed_changes() -> DataFrame:
    return read_files("device_changes", schema_hints="device STRING, since TIMESTAMP, operation STRING, alarm DOUBLE")


@table(
    comment="Changes that say which device they are about, and since when", expectations="changes", quarantine="unclear"
)
def changes() -> DataFrame:
    return read_stream("typed_changes")


@table(comment="Changes that do not")
def unclear() -> DataFrame:
    return read_quarantine("changes")


@change_table(
    source="changes", keys=["device"], sequence_by="since", apply_as_deletes=REMOVED, ignore_null_updates=True,
    except_column_list=["operation"],
)  # fmt: skip
def devices() -> None:
    """What each device is now."""


@change_table(
    source="changes", keys=["device"], sequence_by="since", scd_type=2, apply_as_deletes=REMOVED,
    ignore_null_updates=True, except_column_list=["operation", "since"],
)  # fmt: skip
def device_history() -> None:
    """What each device was, and from when until when."""


@table(comment="Readings of devices")
def readings() -> DataFrame:
    return read_files("readings", schema_hints="device STRING, at TIMESTAMP, celsius DOUBLE")


@materialized_view(comment="For each device, how many readings were above its limit of the time")
def alarms() -> DataFrame:
    history, reading = read("device_history").alias("history"), read("readings").alias("reading")
    is_valid = (F.col("at") >= F.col("__START_AT")) & (F.col("__END_AT").isNull() | (F.col("at") < F.col("__END_AT")))
    joined = reading.join(history, on=(F.col("reading.device") == F.col("history.device")) & is_valid, how="inner")
    return joined.where("celsius > alarm").groupBy("reading.device").agg(F.count(F.lit(1)).alias("alarms"))
