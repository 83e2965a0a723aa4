"""Numbers the rows of one record, and matches rows by their identity."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import ArrayType, CalendarIntervalType, DataType, MapType, StructField, StructType, VariantType

from pipeline.declare.record_rows import with_record_row
from pipeline.foundation.identity import IDENTITY, RECORD_ID, RECORD_ROW
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.declare.graph import Node, NumberedBy
    from pipeline.delta.snapshot import Snapshot

_MADE = "__made"
_OTHER = "__other_"
_SECOND = "The join finds several rows for one row of a record; have it find one, or make all rows in one query."


def numbered(rows: DataFrame, by: NumberedBy | None) -> DataFrame:
    """Return a query's rows with `record_row`: their number, from 0, among those of the same record.

    The same records give the same numbers, however often and in whatever batches they are computed.

    Args:
        rows: The query's own result: a further operator might change its order.
        by: `order`: rows of one record are numbered as the query makes them. `values`: by their values. `source`: they
            keep their number, and a second row of the same number is an error when the rows are computed. None: the
            rows are returned as they are.
    """
    if by is None:
        return rows
    if by == "order":
        # Branches of a union follow one another, and within a branch a record's rows are neighbours.
        made = rows.withColumn(_MADE, F.monotonically_increasing_id())
        return _numbered(made, [F.col(_MADE)]).drop(_MADE)
    if by == "source":
        of_row = Window.partitionBy(*IDENTITY).orderBy(F.lit(0))
        is_only = F.row_number().over(of_row) == 1
        return with_record_row(rows, F.when(is_only, F.col(RECORD_ROW)).otherwise(F.raise_error(_SECOND)))
    return _numbered(rows, list(map(_sortable, rows.schema)))


def renumbered(rows: DataFrame) -> DataFrame:
    """Return rows with other numbers, if they have any; of a changed record not every row has kept its `record_id`."""
    return numbered(rows, "values" if RECORD_ROW in rows.columns else None)


def numbering_in(table: Snapshot, node: Node, of_source: Sequence[str] = ()) -> NumberedBy | None:
    """Return what rows of a record are numbered by in a table as it is stored, or None if they are not numbered.

    A table that has numbers from a former query goes on with them. One that has rows without numbers keeps its columns,
    unless it has a quarantine.

    Args:
        table: The table.
        node: Its declaration.
        of_source: The columns of the table that it reads.
    """
    if RECORD_ROW in table.columns and RECORD_ROW not in of_source:
        return node.numbered_by or "order"
    return node.numbered_by if node.dataset.quarantine or not table.row_count else None


def keys_of(rows: DataFrame) -> list[str]:
    """Return the columns that identify a row; without `record_id` there are none."""
    names = rows.columns
    return [name for name in IDENTITY if name in names] if RECORD_ID in names else []


def matching(rows: DataFrame, others: DataFrame, keys: Sequence[str], how: str) -> DataFrame:
    """Return a join of rows with others of the same keys; NULL equals NULL.

    Args:
        rows: The rows on the left.
        others: The rows on the right; of their keys there is nothing in the result.
        keys: The columns that both have.
        how: The join's type.
    """
    renamed = others.withColumnsRenamed({key: f"{_OTHER}{key}" for key in keys})
    same = reduce(and_, (F.col(key).eqNullSafe(F.col(f"{_OTHER}{key}")) for key in keys))
    return rows.join(renamed, on=same, how=how).drop(*(f"{_OTHER}{key}" for key in keys))


def _numbered(rows: DataFrame, order: list[Column]) -> DataFrame:
    of_record = Window.partitionBy(RECORD_ID).orderBy(*order)
    return with_record_row(rows, F.row_number().over(of_record) - 1)


def _sortable(field: StructField) -> Column:
    """Return a column, or the text of one whose type has no order."""
    column = F.col(quoted(field.name))
    return column if _has_order(field.dataType) else F.to_json(F.struct(column))


def _has_order(kind: DataType) -> bool:
    if isinstance(kind, StructType):
        return all(_has_order(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return _has_order(kind.elementType)
    return not isinstance(kind, MapType | VariantType | CalendarIntervalType)
