"""Delta tables read by Arrow, without asking Spark for their state."""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from deltalake import DeltaTable
    from pyarrow import dataset
    from pyspark.sql import DataFrame, SparkSession

    # A column and stretches of time `[from, to)`.
    Times = tuple[str, Sequence[tuple[datetime, datetime]]]

# What goes to Spark or comes from it in memory: more is read in less time by Spark itself.
FEW_ROWS = 100_000
# Rows in one place need no exchange: to group, count or compare them is one job of one task in place of two or three.
_PARTITIONS_OF_FEW = 1
_FEW_FILES = 100
_FEW_BYTES = 64 * 1024**2


def arrow_dataset(table: DeltaTable) -> dataset.Dataset:
    """Return a table's rows, at the version that was opened, as an Arrow dataset over its files on this machine.

    Arrow reads the files by itself. By default deltalake has Arrow's threads call Python for every read, and one
    that lets go of a file while the interpreter ends aborts the process: half of short programs died so.
    """
    folder = fs.SubTreeFileSystem(str(_folder(table)), fs.LocalFileSystem())
    return table.to_pyarrow_dataset(filesystem=folder)


def frame_of_few(spark: SparkSession, table: DeltaTable, times: Times | None = None) -> DataFrame | None:
    """Return a table's rows as a frame that needs nothing of Delta any more, or None if they are many or none.

    To read a table Delta first computes its state, a second of Spark jobs for every version however few the rows.

    Args:
        spark: The session that gets the rows.
        table: What is read, at the version that was opened.
        times: Rows outside these times may be left out; files whose statistics rule them out are not read.
    """
    rows = arrow_dataset(table)
    where = _within(rows.schema, times)
    count = size = files = 0
    for fragment in rows.get_fragments(filter=where):
        footer = fragment.metadata
        files, count = files + 1, count + footer.num_rows
        size += sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        if files > _FEW_FILES or count > FEW_ROWS or size > _FEW_BYTES:
            return None
    few = rows.to_table(filter=where)
    # Of no rows at all PySpark makes no frame.
    return spark.createDataFrame(few).coalesce(_PARTITIONS_OF_FEW) if few.num_rows else None


def in_memory(spark: SparkSession, rows: DataFrame) -> DataFrame:
    """Return few rows as a frame that is computed already and needs nothing of its sources any more.

    Args:
        spark: The session that gets them: to make frames in the session of a stream's batch would make that the
            active one everywhere.
        rows: What is computed.
    """
    held = rows.toArrow()
    # Of no rows at all PySpark makes no frame.
    return spark.createDataFrame(held, rows.schema).coalesce(_PARTITIONS_OF_FEW) if held.num_rows else rows


def files_of(table: DeltaTable, times: Times | None = None) -> list[Path]:
    """Return the files that a table's rows are in; those whose statistics rule some times out may be left out."""
    rows = arrow_dataset(table)
    folder = _folder(table)
    return [folder / fragment.path for fragment in rows.get_fragments(filter=_within(rows.schema, times))]


def _folder(table: DeltaTable) -> Path:
    return Path(url2pathname(urlsplit(table.table_uri).path))


def _within(schema: pa.Schema, times: Times | None) -> pc.Expression | None:
    """Return a condition that rows of some times meet, or None for all times or a column of another kind."""
    if times is None:
        return None
    column, stretches = times
    index = schema.get_field_index(column)
    if index < 0 or not pa.types.is_timestamp(schema.types[index]):
        return None
    moments = (
        (pa.scalar(first, schema.types[index]), pa.scalar(last, schema.types[index])) for first, last in stretches
    )
    return reduce(or_, ((pc.field(column) >= first) & (pc.field(column) < last) for first, last in moments))


def greatest(table: DeltaTable, column: str) -> Any:
    """Return a column's greatest value, or None where it has none; a moment to the millisecond.

    It comes from the statistics in the table's log, or where a file has none from the rows.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    name = f"max.{column}"
    if name in files.column_names and not files[name].null_count:
        return pc.max(files[name]).as_py()
    return pc.max(arrow_dataset(table).to_table([column])[column]).as_py()
