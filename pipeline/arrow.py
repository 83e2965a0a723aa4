"""Delta tables read by Arrow, without asking Spark for their state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
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
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deltalake import DeltaTable
    from pyarrow import dataset
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    # A column and stretches of time `[from, to)`.
    Times = tuple[str, Sequence[tuple[datetime, datetime]]]

# What goes to Spark or comes from it in memory: more is read in less time by Spark itself.
FEW_ROWS = 100_000
# Rows in one place need no exchange: to group, count or compare them is one job of one task in place of two or three.
_PARTITIONS_OF_FEW = 1
_FEW_FILES = 100
_FEW_BYTES = 64 * 1024**2
# Spark cuts the moments in a file's statistics to milliseconds.
_TOLD_TO = timedelta(milliseconds=1)


def arrow_dataset(table: DeltaTable, times: Times | None = None) -> dataset.Dataset:
    """Return a table's rows, at the version that was opened, as an Arrow dataset over its files on this machine.

    Arrow reads the files by itself. By default deltalake has Arrow's threads call Python for every read, and one
    that lets go of a file while the interpreter ends aborts the process: half of short programs died so. And it
    makes an expression of every file's statistics, which for hundreds of files takes longer than to read them.

    Args:
        table: What is read.
        times: Files whose statistics rule these times out are left out.
    """
    from pyarrow import dataset  # noqa: PLC0415 - it loads pandas, which takes longer than most commands

    folder = fs.SubTreeFileSystem(str(folder_of(table)), fs.LocalFileSystem())
    if not is_its_files(table):
        # deltalake reads it or refuses.
        return table.to_pyarrow_dataset(filesystem=folder)
    pre_buffered = dataset.ParquetFragmentScanOptions(pre_buffer=True)
    parquet = dataset.ParquetFileFormat(default_fragment_scan_options=pre_buffered)
    schema = pa.schema(table.schema().to_arrow())
    files = [parquet.make_fragment(path, filesystem=folder) for path in _paths(table, times)]
    return dataset.FileSystemDataset(files, schema, parquet, folder)


def few_rows(table: DeltaTable, times: Times | None = None, most: int | None = None) -> pa.Table | None:
    """Return a table's rows, or None if they are many.

    Args:
        table: What is read, at the version that was opened.
        times: Rows outside these times may be left out; files whose statistics rule them out are not read.
        most: So many rows are few, if they are not large.
    """
    rows = arrow_dataset(table, times)
    most = FEW_ROWS if most is None else most
    fragments = list(rows.get_fragments())
    if len(fragments) > _FEW_FILES:
        return None
    count = size = 0
    for fragment in fragments:
        footer = fragment.metadata
        count += footer.num_rows
        size += sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        if count > most or size > _FEW_BYTES:
            return None
    where = None if times is None else _between(rows.schema, times[0], times[0], times[1])
    return rows.to_table(filter=where)


def frame_of_few(spark: SparkSession, table: DeltaTable, times: Times | None = None) -> DataFrame | None:
    """Return a table's rows as a frame that needs nothing of Delta any more, or None if they are many or none.

    To read a table Delta first computes its state, a second of Spark jobs for every version however few the rows.

    Args:
        spark: The session that gets the rows.
        table: What is read, at the version that was opened.
        times: Rows outside these times may be left out; files whose statistics rule them out are not read.
    """
    few = few_rows(table, times)
    return frame_of(few, spark) if few else None


def frame_of(few: pa.Table, spark: SparkSession) -> DataFrame:
    """Return few rows, but some, as a frame: of none at all PySpark makes none."""
    return spark.createDataFrame(few).coalesce(_PARTITIONS_OF_FEW)


@dataclass(frozen=True)
class Held:
    """Few rows that are in this process.

    Attributes:
        rows: The rows.
        as_frame: Gives them to Spark.
    """

    rows: pa.Table
    as_frame: Callable[[], DataFrame]

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return int(self.rows.num_rows)

    @classmethod
    def like(cls, columns: StructType, rows: pa.Table, spark: SparkSession) -> Held:
        """Return rows with columns of Spark's.

        Args:
            columns: Their names and types.
            rows: The rows.
            spark: The session that gets them: to make frames in the session of a stream's batch would make that the
                active one everywhere.
        """
        # Of no rows at all PySpark makes no frame.
        return cls(rows, lambda: spark.createDataFrame(rows if rows.num_rows else [], columns))


def files_of(table: DeltaTable, times: Times | None = None) -> list[Path]:
    """Return the files that a table's rows are in; those whose statistics rule some times out are left out."""
    folder = folder_of(table)
    return [folder / path for path in _paths(table, times)]


def is_its_files(table: DeltaTable) -> bool:
    """Tell whether a table's rows are simply those of its files.

    They are not with deletion vectors, column mapping, or columns that are in the files' paths alone.
    """
    return table.protocol().min_reader_version <= 1 and not table.metadata().partition_columns


def file_sizes(table: DeltaTable) -> list[int]:
    """Return the size in bytes of each of a table's files, from its log alone."""
    sizes: list[int] = pa.table(table.get_add_actions())["size_bytes"].to_pylist()
    return sizes


def _paths(table: DeltaTable, times: Times | None) -> list[str]:
    files = pa.table(table.get_add_actions(flatten=True))
    if times is not None:
        column, stretches = times
        told = f"min.{column}", f"max.{column}"
        earlier = [(first - _TOLD_TO, last) for first, last in stretches]
        where = _between(files.schema, *told, earlier)
        if where is not None:
            files = files.filter(where | pc.field(told[0]).is_null() | pc.field(told[1]).is_null())
    paths: list[str] = files["path"].to_pylist()
    return paths


def folder_of(table: DeltaTable) -> Path:
    """Return the folder on this machine that a table is in."""
    return Path(url2pathname(urlsplit(table.table_uri).path))


def _between(
    schema: pa.Schema, least: str, greatest: str, stretches: Sequence[tuple[datetime, datetime]]
) -> pc.Expression | None:
    """Return a condition that what begins and ends in two columns meets stretches, or None if they are no moments."""
    kinds = {schema.field(name).type for name in (least, greatest) if name in schema.names}
    kind = next(iter(kinds), None)
    if len(kinds) != 1 or not pa.types.is_timestamp(kind):
        return None
    moments = ((pa.scalar(first, kind), pa.scalar(last, kind)) for first, last in stretches)
    return reduce(or_, ((pc.field(greatest) >= first) & (pc.field(least) < last) for first, last in moments))


def greatest(table: DeltaTable, column: str) -> Any:
    """Return a column's greatest value, or None where it has none; a moment to the millisecond.

    It comes from the statistics in the table's log, or where a file has none from the rows.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    name = f"max.{column}"
    if name in files.column_names and not files[name].null_count:
        return pc.max(files[name]).as_py()
    return pc.max(arrow_dataset(table).to_table([column])[column]).as_py()
