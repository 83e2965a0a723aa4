"""Rows of a table changed by key, once for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from delta.tables import DeltaTable

from pipeline.delta.ranges import range_of
from pipeline.foundation.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame, SparkSession

    from pipeline.delta.batch import Batch, Written
    from pipeline.delta.rows import Rows
    from pipeline.delta.table import Table

# The column that says whether a row is for the table; if not, the row with its keys is deleted.
KEPT = "__kept"


def session_for(spark: SparkSession, batch: Batch, *, deleted_rows: int = 0) -> SparkSession:
    """Return a session of its own whose commits name a batch.

    MERGE and DELETE take a commit's note and transaction from the session's settings alone. In a session that flows
    share, another flow's commit would carry them.
    """
    session = spark.newSession()
    session.conf.set("spark.databricks.delta.commitInfo.userMetadata", batch.note(deleted_rows=deleted_rows))
    for key, value in batch.transaction().items():
        session.conf.set(f"spark.databricks.delta.write.{key}", value)
    return session


def delete_all(spark: SparkSession, table: Table, batch: Batch) -> Written:
    """Delete all rows, once for a batch, and return how many; the table, its columns and history stay."""
    snapshot = table.opened()
    if snapshot.row_count and snapshot.committed_batch(batch.flow_id) < batch.batch_id:
        session = session_for(spark, batch, deleted_rows=snapshot.row_count)
        session.sql(f"DELETE FROM delta.`{table.path}`")  # noqa: S608 - a path that the settings give
    return table.written_by(batch)


def delete_matching(spark: SparkSession, table: Table, gone: DataFrame, keys: list[str], batch: Batch) -> Written:
    """Delete the rows whose keys are among those given, once for a batch, and return what that did."""
    if table.committed_batch(batch.flow_id) < batch.batch_id:
        same_key = " AND ".join(f"held.`{key}` <=> gone.`{key}`" for key in keys)
        target = DeltaTable.forPath(session_for(spark, batch), str(table.path)).alias("held")
        target.merge(gone.alias("gone"), same_key).whenMatchedDelete().execute()
    return table.written_by(batch)


def replace_keys(
    spark: SparkSession,
    table: Table,
    fresh: Rows,
    keys: Sequence[str],
    batch: Batch,
    within: tuple[str, datetime, datetime] | None = None,
) -> Written:
    """Put rows in the place of those with the same keys, once for a batch, and return what that did.

    Keys are compared with NULL equal to NULL. Rows that come out as they were are not written again. deltalake merges
    few rows in milliseconds; Spark's MERGE takes seconds to compute the table's state and to plan.

    Args:
        spark: The session that commits.
        table: What is changed; it exists.
        fresh: Rows with the keys and all other columns of the table; those that it lacks are added. They may also have
            `KEPT`: whether the row is for the table. If not, the row with its keys goes.
        keys: The columns that tell rows apart; no two rows have the same.
        batch: The key of the commit.
        within: A key and the stretch `[from, to)` that its values are in; files outside are not read.
    """
    snapshot = table.opened()
    if snapshot.committed_batch(batch.flow_id) >= batch.batch_id:
        return table.written_by(batch)
    columns = [name for name in fresh.schema.names if name != KEPT]
    has_mark = len(columns) < len(fresh.schema)
    # Both engines read these conditions alike; deltalake's needs the brackets.
    same_row = " AND ".join([*_bounds(within), *(f"(held.`{key}` IS NOT DISTINCT FROM fresh.`{key}`)" for key in keys)])
    values = [name for name in columns if name not in keys]
    changed = " OR ".join(_differs(name, held=name in snapshot.columns) for name in values) or "false"
    if any(_has_map(fresh.schema.field(name).type) for name in values):
        # Neither engine compares maps.
        changed = "true"
    is_small = fresh.at_most is not None and fresh.at_most <= table.limits.few_rows
    if is_small and snapshot.can_merge(pa.schema([fresh.schema.field(name) for name in columns])):
        rows = fresh.table()
        # Files that have none of these keys are not read.
        ranges = [f"held.`{key}` BETWEEN {least} AND {most}" for key in keys for least, most in range_of(rows[key])]
        reach(FaultPoint.MERGE)
        snapshot.merge(rows, " AND ".join([*ranges, same_row]), changed, batch, mark=KEPT if has_mark else None)
    else:
        reach(FaultPoint.MERGE)
        held = DeltaTable.forPath(session_for(spark, batch), str(table.path)).alias("held")
        merge = held.merge(fresh.frame().alias("fresh"), same_row)
        if set(columns) - set(snapshot.columns):
            merge = merge.withSchemaEvolution()
        if has_mark:
            merge = merge.whenMatchedDelete(f"NOT fresh.{KEPT}")
        stored: dict[str, str | Column] = {f"`{name}`": f"fresh.`{name}`" for name in columns}
        merge = merge.whenMatchedUpdate(changed, stored)
        merge.whenNotMatchedInsert(f"fresh.{KEPT}" if has_mark else "true", stored).execute()
    reach(FaultPoint.COMMITTED)
    return table.written_by(batch)


def _differs(column: str, *, held: bool) -> str:
    before = f"held.`{column}`" if held else "NULL"
    return f"({before} IS DISTINCT FROM fresh.`{column}`)"


def _bounds(within: tuple[str, datetime, datetime] | None) -> Iterator[str]:
    if within is not None:
        column, *bounds = within
        for sign, bound in zip((">=", "<"), bounds, strict=True):
            yield f"held.`{column}` {sign} TIMESTAMP '{bound:%Y-%m-%d %H:%M:%S.%f}+00:00'"


def _has_map(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_has_map(field.type) for field in kind)
    return pa.types.is_map(kind) or (pa.types.is_list(kind) and _has_map(kind.value_type))
