"""A table that a query reads whole, which may have no rows yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.checkpoint.position import Position
from pipeline.delta.rows import SparkRows
from pipeline.events.log import EventLog
from pipeline.flows.soundness import check_there

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.delta.reading import Times
    from pipeline.flows.open import Lakehouse


def all_rows(lakehouse: Lakehouse, name: str) -> DataFrame:
    """Return the rows that a table holds now; none if nothing has filled it yet.

    Raises:
        DamagedStateError: The table is gone, though it had rows.
    """
    table = lakehouse.table(name)
    return table.read(lakehouse.spark) if table.exists else no_rows(lakehouse, name)


def held_rows(lakehouse: Lakehouse, name: str, times: Times | None = None) -> SparkRows:
    """Return the same rows; if they are few, they are read here at once, and their number is known.

    Args:
        lakehouse: The pipeline.
        name: The table.
        times: Rows outside these times may be left out.

    Raises:
        DamagedStateError: The table is gone, though it had rows.
    """
    table = lakehouse.table(name)
    return table.held(lakehouse.spark, times) if table.exists else SparkRows(no_rows(lakehouse, name), 0)


def no_rows(lakehouse: Lakehouse, name: str) -> DataFrame:
    """Return an empty frame with the columns of a table that nothing has filled yet.

    Raises:
        DamagedStateError: The table is gone, though it had rows.
    """
    node = lakehouse.graph.nodes[name]
    owner = Position(lakehouse.places(node.quarantine_of or name).checkpoints)
    # A flow that has finished a batch has written rows as a rule: a batch of files that are gone has none.
    if owner.exists and owner.planned_batch() >= 0:
        log = EventLog(lakehouse.home.schema(lakehouse.schema).event_log, lakehouse.clock)
        check_there(lakehouse.table(name), log.totals())
    return lakehouse.spark.createDataFrame([], node.stored_schema)
