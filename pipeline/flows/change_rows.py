"""What the changes of a key make of its rows: pure functions of the key's events, in whatever order they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import ArrayType, MapType, StructType, VariantType

from pipeline.declare.change_flow import DELETE, END, OPERATION, SEQUENCE, START, TRUNCATE, UPSERT
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

    from pipeline.declare.changes import Changes

_NUMBER, _LIFE, _PREVIOUS, _BEGINS, _VERSION, _NEXT = (
    "__number", "__life", "__previous", "__begins", "__version", "__next"
)  # fmt: skip


def rows_of(events: DataFrame, changes: Changes) -> DataFrame:
    """Return the rows that events make, in the table's columns.

    One of a key's events with the same sequence counts: a delete before an upsert, then the one with the greatest
    values. An event that comes twice changes nothing.
    """
    columns = changes.data_columns(events.columns)
    if changes.has_history:
        return _versions(events, changes, columns)
    if changes.ignores_null:
        return _merged(_without_truncated(events), changes, columns)
    return _newest(_without_truncated(events), changes, columns)


def _newest(events: DataFrame, changes: Changes, columns: list[str]) -> DataFrame:
    """Return the newest event of each key, unless it is a delete."""
    newest = Window.partitionBy(*_named(changes.keys)).orderBy(
        F.col(SEQUENCE).desc_nulls_last(), *_first(events, changes)
    )
    rows = events.withColumn(_NUMBER, F.row_number().over(newest))
    return rows.where((F.col(_NUMBER) == 1) & (F.col(OPERATION) == UPSERT)).select(*_named(columns))


def _merged(events: DataFrame, changes: Changes, columns: list[str]) -> DataFrame:
    """Return for each column of a key the newest value since the key's last delete; where asked for, not NULL."""
    # The row that a key has stands for its earlier events, without their sequence: it comes before all others.
    order = F.struct(F.col(SEQUENCE).isNotNull(), F.col(SEQUENCE))
    last_delete = F.max(F.when(F.col(OPERATION) == DELETE, order)).over(Window.partitionBy(*_named(changes.keys)))
    rows = _one_for_each_sequence(events, changes).withColumn(_LIFE, last_delete).withColumn(_NEXT, order)
    alive = rows.where((F.col(OPERATION) == UPSERT) & (F.col(_LIFE).isNull() | (F.col(_NEXT) > F.col(_LIFE))))
    kept = changes.kept_at_null(columns)
    values = [
        _newest_value(F.col(quoted(name)), events.schema[name].dataType).alias(name)
        if name in kept
        else F.max_by(F.col(quoted(name)), F.col(_NEXT)).alias(name)
        for name in columns
        if name not in changes.keys
    ]
    return alive.groupBy(*_named(changes.keys)).agg(F.count(F.lit(1)).alias(_NUMBER), *values).select(*_named(columns))


def _newest_value(column: Column, kind: DataType) -> Column:
    """Return the newest value that is not NULL; of a struct, that of each of its fields."""
    if not isinstance(kind, StructType) or not kind.fields:
        return F.max_by(column, F.when(column.isNotNull(), F.col(_NEXT)))
    fields = [_newest_value(column[field.name], field.dataType).alias(field.name) for field in kind.fields]
    return F.when(F.count(column) > 0, F.struct(*fields))


def _versions(events: DataFrame, changes: Changes, columns: list[str]) -> DataFrame:
    """Return each version of each key, with the sequences at which it began and ended.

    Upserts that follow each other with the same values in the tracked columns are one version: it begins with the first
    of them and has the values of the last.
    """
    keys = _named(changes.keys)
    in_order = Window.partitionBy(*keys).orderBy(F.col(SEQUENCE))
    rows = _one_for_each_sequence(events, changes)
    if changes.ignores_null:
        rows = _filled(rows, changes, columns)
    tracked = [comparable(F.col(quoted(name)), events.schema[name].dataType) for name in changes.tracked(columns)]
    values = F.struct(F.lit(0), *tracked)
    is_upsert = F.col(OPERATION) == UPSERT
    # NULL where no upsert comes directly before.
    previous = F.lag(F.when(is_upsert, values)).over(in_order)
    begins = is_upsert & ~previous.eqNullSafe(values)
    version = F.sum(F.col(_BEGINS).cast("int")).over(in_order)
    rows = rows.withColumn(_BEGINS, begins).withColumn(_VERSION, version)
    rows = rows.withColumn(_NEXT, F.lead(F.struct(_VERSION, OPERATION, SEQUENCE)).over(in_order))
    start = F.min(SEQUENCE).over(Window.partitionBy(*keys, _VERSION))
    following = F.col(_NEXT)
    is_last = following.isNull() | (following[OPERATION] == DELETE) | (following[_VERSION] != F.col(_VERSION))
    return (
        rows.withColumn(START, start)
        .where(is_upsert & is_last)
        .select(*_named(columns), START, following[SEQUENCE].alias(END))
    )


def _filled(rows: DataFrame, changes: Changes, columns: list[str]) -> DataFrame:
    """Return events whose NULLs have the value before them, since the key's last delete."""
    keys, is_delete = _named(changes.keys), F.col(OPERATION) == DELETE
    life = F.sum(is_delete.cast("int")).over(Window.partitionBy(*keys).orderBy(F.col(SEQUENCE)))
    since = Window.partitionBy(*keys, _LIFE).orderBy(F.col(SEQUENCE)).rowsBetween(Window.unboundedPreceding, 0)

    def filled(column: Column, kind: DataType) -> Column:
        if not isinstance(kind, StructType) or not kind.fields:
            return F.last(F.when(~is_delete, column), ignorenulls=True).over(since)
        fields = [filled(column[field.name], field.dataType).alias(field.name) for field in kind.fields]
        has_any = F.count(F.when(~is_delete, column)).over(since) > 0
        return F.when(has_any, F.struct(*fields))

    named = {name: F.col(quoted(name)) for name in changes.kept_at_null(columns)}
    rows = rows.withColumn(_LIFE, life)
    return rows.withColumns({name: filled(column, rows.schema[name].dataType) for name, column in named.items()})


def _without_truncated(events: DataFrame) -> DataFrame:
    """Return events after the newest truncate, which takes away all that is not after it."""
    truncated = events.where(F.col(OPERATION) == TRUNCATE).agg(F.max(SEQUENCE).alias(_LIFE))
    kept = events.where(F.col(OPERATION) != TRUNCATE).crossJoin(F.broadcast(truncated))
    is_after = F.col(_LIFE).isNull() | F.col(SEQUENCE).isNull() | (F.col(SEQUENCE) > F.col(_LIFE))
    return kept.where(is_after).drop(_LIFE)


def _one_for_each_sequence(events: DataFrame, changes: Changes) -> DataFrame:
    same = Window.partitionBy(*_named(changes.keys), SEQUENCE).orderBy(*_first(events, changes))
    return events.withColumn(_NUMBER, F.row_number().over(same)).where(F.col(_NUMBER) == 1).drop(_NUMBER)


def _first(events: DataFrame, changes: Changes) -> list[Column]:
    """Return the order of events with the same sequence: the one that counts comes first."""
    fields = {field.name: field.dataType for field in events.schema}
    values = [name for name in changes.data_columns(events.columns) if name not in changes.keys]
    greatest = F.struct(F.lit(0), *(comparable(F.col(quoted(name)), fields[name]) for name in values))
    return [F.col(OPERATION).desc(), greatest.desc()]


def comparable(column: Column, kind: DataType) -> Column:
    """Return a value that Spark can compare and that is equal for equal values: it does not compare maps."""
    if isinstance(kind, MapType) and not _has_map(kind.valueType):
        return F.array_sort(F.map_entries(column))
    return F.to_json(F.struct(column)) if _has_map(kind) else column


def _has_map(kind: DataType) -> bool:
    if isinstance(kind, ArrayType):
        return _has_map(kind.elementType)
    if isinstance(kind, StructType):
        return any(_has_map(field.dataType) for field in kind.fields)
    return isinstance(kind, MapType | VariantType)


def _named(names: Sequence[str]) -> list[Column]:
    return [F.col(quoted(name)) for name in names]
