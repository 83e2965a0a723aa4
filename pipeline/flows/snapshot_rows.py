"""What a snapshot changes in the rows that a table holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.change_flow import DELETE, END, OPERATION, SEQUENCE, UPSERT
from pipeline.flows.change_rows import comparable
from pipeline.flows.journal import of_keys
from pipeline.foundation.errors import DataError
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from pipeline.declare.changes import Changes


class UnclearSnapshotError(DataError):
    """Rows of a snapshot have no key, or share one, so nobody can say what it holds; nothing of it was written."""

    def __init__(self, table: str, keys: Sequence[str], source: str, without_key: int, shared: int) -> None:
        self.table, self.without_key, self.shared = table, without_key, shared
        named = ", ".join(f"`{key}`" for key in keys)
        found = [f"{without_key:,} rows have NULL in {named}"] if without_key else []
        found += [f"{shared:,} values of {named} have several rows"] if shared else []
        super().__init__(
            f"`{table}` stops: in a snapshot of `{source}` {' and '.join(found)}; nothing of it was written.",
            "Correct the source, or name more columns as keys: each row of a snapshot has a key of its own.",
        )


@dataclass(frozen=True)
class SnapshotEvents:
    """What is known of the events that snapshots make of a table.

    Attributes:
        changes: What the events make of the table.
        spark: The session that reads and writes.
        sequence_type: The type of the versions.
    """

    changes: Changes
    spark: SparkSession
    sequence_type: DataType

    def truncates(self) -> DataFrame:
        """Return no event, because none is asked for: a snapshot that is empty deletes each key by itself."""
        raise AssertionError


def check_keys(snapshot: DataFrame, changes: Changes, table: str) -> int:
    """Return how many rows a snapshot has.

    Raises:
        UnclearSnapshotError: Rows have NULL in a key, or several have the same keys.
    """
    missing = reduce(or_, (F.col(quoted(key)).isNull() for key in changes.keys))
    named = [F.col(quoted(key)) for key in changes.keys]
    grouped = snapshot.groupBy(*named).agg(F.count(F.lit(1)).alias("__rows"))
    counts = grouped.agg(
        F.sum("__rows"), F.sum(F.when(missing, F.col("__rows"))), F.count_if(~missing & (F.col("__rows") > 1))
    ).first()
    assert counts is not None
    if counts[1] or counts[2]:
        raise UnclearSnapshotError(table, changes.keys, changes.flows[0].source, counts[1] or 0, counts[2])
    return counts[0] or 0


def differences(snapshot: DataFrame, held: DataFrame | None, changes: Changes, version: Column) -> DataFrame:
    """Return the events that make what a table holds equal to a snapshot: of new keys, changed rows, and gone keys.

    A column that one of the two lacks is NULL there.

    Args:
        snapshot: The rows of the snapshot, in the table's columns.
        held: The table's rows, or None before the first snapshot.
        changes: What the events make of the table.
        version: The snapshot's version.
    """
    if held is None:
        return _as_events(snapshot, version, UPSERT)
    if changes.has_history:
        held = held.where(F.col(END).isNull())
    kinds = {field.name: field.dataType for field in (*held.schema, *snapshot.schema)}
    names = changes.data_columns(dict.fromkeys([*snapshot.columns, *held.columns]))

    def aligned(rows: DataFrame) -> DataFrame:
        missing = {name: F.lit(None).cast(kinds[name]) for name in names if name not in rows.columns}
        return rows.withColumns(missing).select(*(F.col(quoted(name)) for name in names))

    now, before = aligned(snapshot), aligned(held)
    renamed = {name: f"__held_{number}" for number, name in enumerate(names)}
    pairs = [(F.col(quoted(name)), F.col(renamed[name])) for name in changes.keys]
    values = [name for name in names if name not in changes.keys]
    same = [comparable(F.col(quoted(name)), kinds[name]).eqNullSafe(comparable(F.col(renamed[name]), kinds[name]))
            for name in values]  # fmt: skip
    condition = reduce(and_, [*(one == other for one, other in pairs), *same])
    changed = now.join(before.withColumnsRenamed(renamed), on=condition, how="left_anti")
    gone = of_keys(before, now.select(*(F.col(quoted(key)) for key in changes.keys)), changes.keys, "left_anti")
    return _as_events(changed, version, UPSERT).unionByName(_as_events(gone, version, DELETE))


def _as_events(rows: DataFrame, version: Column, operation: int) -> DataFrame:
    return rows.select("*", version.alias(SEQUENCE), F.lit(operation).cast("tinyint").alias(OPERATION))
