"""Splits judged rows, computed once, into those for the table and those for its quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import StructType

from pipeline.delta.rows import Held
from pipeline.delta.schema import arrow_schema
from pipeline.delta.write.files import Share
from pipeline.delta.write.workers import write_files
from pipeline.quality.judge import FAILED

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import ArrayType

    from pipeline.delta.table import Table
    from pipeline.delta.write.files import DataFiles

    Part = Held | DataFiles

_REJECTED = "__rejected_row"

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def with_rejected(judged: DataFrame, columns: dict[str, Column]) -> DataFrame:
    """Return judged rows with one more column: a list with the quarantine's row, or NULL if the row passes.

    A NULL list costs nothing to serialise, whereas a NULL struct is serialised field by field for every row.

    Args:
        judged: The rows.
        columns: The quarantine's.
    """
    rejected = F.array(F.struct(*(column.alias(name) for name, column in columns.items())))
    return judged.withColumn(_REJECTED, F.when(F.size(FAILED) > 0, rejected))


def parted_here(both: DataFrame, spark: SparkSession) -> tuple[Held, Held]:
    """Compute few rows and return those that pass and those that fail, in this process.

    Args:
        both: The table's rows, with what the quarantine gets beside them.
        spark: The session that may be given them back.
    """
    rows = both.toArrow()
    good_columns, rejected_columns = _columns(both)
    good, left_out = Held.of(passing_rows(rows), spark, good_columns), failing_rows(rows)
    return good, Held.of(left_out, spark, rejected_columns)


def parted_files(
    both: DataFrame, table: Table, quarantine: Table | None = None
) -> tuple[DataFiles, DataFiles | None] | None:
    """Compute many rows in one pass and return the files of those that pass and of those that fail.

    Args:
        both: The table's rows, with what the quarantine gets beside them.
        table: Where the ones belong.
        quarantine: Where the others belong; without one they are left out.

    Returns:
        None, and nothing is computed, where one of the two tables leaves it to Spark to take such columns.
    """
    good_columns, rejected_columns = _columns(both)
    shares = [Share(table.path, arrow_schema(good_columns), passing_rows)]
    if quarantine is not None:
        shares.append(Share(quarantine.path, arrow_schema(rejected_columns), failing_rows))
    tables = [table, *([quarantine] if quarantine is not None else [])]
    if not all(target.takes(share.schema) for target, share in zip(tables, shares, strict=True)):
        return None
    good, *left_out = write_files(both, shares, table.limits)
    return good, left_out[0] if left_out else None


def _columns(both: DataFrame) -> tuple[StructType, StructType]:
    """Return the columns of rows that pass and those of what the quarantine gets."""
    schema = both.schema
    rejected = cast("ArrayType", schema[_REJECTED].dataType)
    good = StructType([field for field in schema if field.name != _REJECTED])
    return good, cast("StructType", rejected.elementType)


def passing_rows(rows: Rows) -> Rows:
    """Return the rows for the table, in its columns."""
    return rows.filter(pc.is_null(rows[_REJECTED])).drop_columns([_REJECTED])


def failing_rows(rows: Rows) -> Rows:
    """Return the rows for the quarantine, in its columns."""
    # Filtering copies. Otherwise a few rows would keep all of the message that brought them in memory.
    rejected = rows[_REJECTED].filter(pc.is_valid(rows[_REJECTED]))
    return type(rows).from_struct_array(pc.list_flatten(rejected))
