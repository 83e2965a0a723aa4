"""Rows of a table changed by key, once for a batch."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from delta.tables import DeltaTable

from pipeline import small_commit
from pipeline.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.batch import Batch, Written
    from pipeline.tables import Table


# The note stands in the session's settings, which the flows of a continuous update share. A transaction may not stand
# there: an append of another flow, which gives none itself, would carry it, and the next would be taken for done.
_one_at_a_time = threading.RLock()
_NOTE = "spark.databricks.delta.commitInfo.userMetadata"


@contextmanager
def committing(spark: SparkSession, batch: Batch, *, deleted_rows: int = 0) -> Iterator[None]:
    """Have the commits inside the block say which batch they are."""
    with _one_at_a_time:
        spark.conf.set(_NOTE, batch.note(deleted_rows=deleted_rows))
        try:
            yield
        finally:
            spark.conf.unset(_NOTE)


def delete_all(spark: SparkSession, table: Table, batch: Batch) -> Written:
    """Take all rows away, once for a batch, and return how many; the table, its columns and history stay."""
    rows = table.row_count()
    if rows and table.committed_batch(batch.flow_id) < batch.batch_id:
        with committing(spark, batch, deleted_rows=rows):
            spark.sql(f"DELETE FROM delta.`{table.path}`")  # noqa: S608 - a path that the settings give
    return table.written_by(batch)


def delete_matching(spark: SparkSession, table: Table, gone: DataFrame, keys: list[str], batch: Batch) -> Written:
    """Take away the rows whose keys are among those given, once for a batch, and return what that did."""
    if table.committed_batch(batch.flow_id) < batch.batch_id:
        same_key = " AND ".join(f"held.`{key}` <=> gone.`{key}`" for key in keys)
        with committing(spark, batch):
            target = DeltaTable.forPath(spark, str(table.path)).alias("held")
            target.merge(gone.alias("gone"), same_key).whenMatchedDelete().execute()
    return table.written_by(batch)


def merge_keys(
    spark: SparkSession,
    table: Table,
    recomputed: DataFrame,
    keys: list[str],
    windows: tuple[datetime, datetime],
    batch: Batch,
    *,
    few: bool,
) -> Written:
    """Put recomputed rows in the place of the table's rows with the same keys.

    Keys are compared with NULL equal to NULL. Rows that come out as they were are not written again.

    Args:
        spark: The session that commits.
        table: What is changed.
        recomputed: Rows with the keys and all other columns of the table.
        keys: The columns that tell rows apart.
        batch: The key of the commit.
        windows: The earliest and the end of the latest `window_start` among the rows; files outside are not read.
        few: Whether the rows fit into this process: then deltalake changes the table in milliseconds, where Spark's
            MERGE takes seconds to compute the table's state and to plan.
    """
    first, last = (f"TIMESTAMP '{bound:%Y-%m-%d %H:%M:%S.%f}+00:00'" for bound in windows)
    in_windows = f"held.window_start >= {first} AND held.window_start < {last}"
    values = [name for name in recomputed.columns if name not in keys]
    # Both engines read these conditions alike; deltalake's needs the brackets.
    same_row = " AND ".join([in_windows, *(f"(held.`{key}` IS NOT DISTINCT FROM fresh.`{key}`)" for key in keys)])
    changed = " OR ".join(f"(held.`{name}` IS DISTINCT FROM fresh.`{name}`)" for name in values)
    rows = recomputed.toArrow() if few else None
    reach(FaultPoint.MERGE)
    if rows is not None and small_commit.can_merge(table.path, rows.schema):
        small_commit.merge(table.path, rows, same_row, changed, batch.commit_properties())
        table.name_if_missing(batch)
        return table.written_by(batch)
    with committing(spark, batch):
        (
            DeltaTable.forPath(spark, str(table.path))
            .alias("held")
            .merge(recomputed.alias("fresh"), same_row)
            .whenMatchedUpdateAll(changed)
            .whenNotMatchedInsertAll()
            .execute()
        )
    return table.written_by(batch)
