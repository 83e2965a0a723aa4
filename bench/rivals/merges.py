"""The MERGE statements that somebody writes by hand for changes of keys: right as long as changes come in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

_VALUES = ("floor", "model", "alarm_celsius")


def begin(changes: DataFrame, folder: Path, *, scd_type: int) -> None:
    """Write the table that the first changes of each key make."""
    rows = changes.select("device_id", *_VALUES)
    if scd_type == 2:  # noqa: PLR2004
        times = F.col("number").alias("began"), F.lit(None).cast("bigint").alias("ended")
        rows = changes.select("device_id", *_VALUES, *times)
    rows.write.format("delta").option("delta.enableDeletionVectors", "false").save(str(folder))


def merge_newest(changes: DataFrame, folder: Path) -> None:
    """Put the newest change of each key in the place of its row."""
    newest = Window.partitionBy("device_id").orderBy(F.col("number").desc())
    rows = changes.withColumn("rank", F.row_number().over(newest)).where("rank = 1").alias("fresh")
    values: dict[str, str | Column] = {name: f"fresh.{name}" for name in ("device_id", *_VALUES)}
    (
        DeltaTable.forPath(changes.sparkSession, str(folder))
        .alias("held")
        .merge(rows, "held.device_id = fresh.device_id")
        .whenMatchedDelete("fresh.operation = 'remove'")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert("fresh.operation <> 'remove'", values)
        .execute()
    )


def merge_versions(changes: DataFrame, folder: Path) -> None:
    """Close the version that each key has, and add the one that its change begins."""
    newest = Window.partitionBy("device_id").orderBy(F.col("number").desc())
    rows = changes.withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    closing = rows.withColumn("merge_key", F.col("device_id"))
    beginning = rows.where("operation <> 'remove'").withColumn("merge_key", F.lit(None).cast("string"))
    values: dict[str, str | Column] = {name: f"fresh.{name}" for name in ("device_id", *_VALUES)}
    (
        DeltaTable.forPath(changes.sparkSession, str(folder))
        .alias("held")
        .merge(closing.unionByName(beginning).alias("fresh"), "held.device_id = fresh.merge_key AND held.ended IS NULL")
        .whenMatchedUpdate(set={"ended": "fresh.number"})
        .whenNotMatchedInsert("fresh.merge_key IS NULL", values | {"began": "fresh.number"})
        .execute()
    )


def drain(source: DataFrame, take: Callable[[DataFrame, int], None], checkpoint: Path) -> None:
    """Have what a stream brings taken batch by batch, until nothing is left."""
    writer = source.writeStream.foreachBatch(take).option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start().awaitTermination()
