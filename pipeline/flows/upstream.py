"""The stream of rows that are new in a table, as the flows that read it see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.arrow import FEW_ROWS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.flows.position import Position
    from pipeline.tables import Table


def new_rows(spark: SparkSession, table: Table, position: Position, option: str, *, number: int = 0) -> DataFrame:
    """Return the stream of rows that a flow has not read yet.

    A flow that begins reads what the table holds. Delta computes the table's whole state for that, which takes
    seconds; where the log holds nothing but added rows, reading it from its first commit gives the same rows.
    A stream that goes on after its first batch looks that batch up once more, in the same way.

    Args:
        spark: The session that reads.
        table: What is read.
        position: Where the flow stands.
        option: The option that tells Delta what to do with commits that took rows away.
        number: Which of the flow's sources this is.
    """
    reader = spark.readStream.format("delta").option(option, "true")
    if position.done_batch() <= 0 and begins_with_the_log(table, position, number):
        reader = reader.option("startingVersion", "0")
    return reader.load(str(table.path))


def are_few(table: Table, position: Position, batch_id: int) -> bool:
    """Tell whether a batch's rows fit into this process: those that came since the batch before bound them.

    Args:
        table: What the flow reads.
        position: Where the flow stands.
        batch_id: The batch.
    """
    begun = position.offsets(batch_id - 1)
    version = int(begun[0].get("reservoirVersion", 0)) if begun else 0
    rows = table.log.rows_since(version)
    return rows is not None and rows <= FEW_ROWS


def begins_with_the_log(table: Table, position: Position, number: int) -> bool:
    """Tell whether a flow that has finished one batch at most may read a table from its first commit."""
    # Where the first batch ends, if it was fixed.
    begun = dict(enumerate(position.offsets(0))).get(number, {})
    if begun.get("isStartingVersion"):
        # An earlier run began with the table's state and was cut short in the middle of it.
        return False
    return table.log.has_only_grown() or begun.get("reservoirVersion") == 0
