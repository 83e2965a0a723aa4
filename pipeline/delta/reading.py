"""Delta tables read without asking Spark for their state."""

from __future__ import annotations

import json
import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder

from pipeline.delta.decoded_size import decoded_bytes, encoded_bytes
from pipeline.delta.schema import spark_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.foundation.limits import Limits

    # A column and stretches of time `[from, to)`.
    Times = tuple[str, Sequence[tuple[datetime, datetime]]]

# Hadoop takes these for a pattern.
_PATTERN = re.compile(r"([{}\[\]*?\\])")


def opened(path: Path | str, version: int | None = None) -> DeltaTable:
    """Return a table at a version, the newest by default.

    Raises:
        DeltaError: There is none, or its log cannot be read.
    """
    return DeltaTable(path, version=version)


def rows_of(table: DeltaTable, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
    """Return a table's rows, at the version that was opened, in no particular order.

    Args:
        table: What is read.
        columns: The columns; all of them by default.
        where: A condition in DataFusion's SQL; files whose statistics rule it out are not read.
    """
    schema = _schema(table)
    schema = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    # deltalake's own text type is one that Arrow cannot sort.
    return pa.table(table.scan(schema.names, where)).select(schema.names).cast(schema)


def newest_rows(table: DeltaTable, by: str, most: int, where: str | None = None) -> pa.Table:
    """Return the rows with the greatest values of a column.

    Args:
        table: What is read.
        by: The column.
        most: The most rows.
        where: A condition on them, as above.
    """
    condition = f" WHERE {where}" if where else ""
    query = f'SELECT * FROM held{condition} ORDER BY "{by}" DESC LIMIT {most}'  # noqa: S608 - names of columns
    return pa.table(QueryBuilder().register("held", table).execute(query)).cast(_schema(table))


def few_rows(table: DeltaTable, limits: Limits, times: Times | None = None) -> pa.Table | None:
    """Return a table's rows, at the version that was opened, or None if they are more than few.

    Rows outside some stretches of time may be left out.
    """
    return bounded_rows(table, _schema(table).names, limits.few_rows, limits.few_bytes, _within(table, times))


def bounded_rows(
    table: DeltaTable, columns: Sequence[str], most_rows: int, most_bytes: int, where: str | None = None
) -> pa.Table | None:
    """Return a table's rows, at the version that was opened, or None if they would take too much memory.

    Args:
        table: What is read.
        columns: The columns.
        most_rows: The most rows.
        most_bytes: The most memory that the rows take.
        where: A condition in DataFusion's SQL; files whose statistics rule it out are not read.
    """
    if encoded_bytes(_files_of(table, where), columns) > most_bytes:
        return None
    held = _schema(table)
    schema = pa.schema([held.field(name) for name in columns])
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in pa.RecordBatchReader.from_stream(table.scan(schema.names, where)):
        rows, size = rows + batch.num_rows, size + decoded_bytes(batch)
        if rows > most_rows or size > most_bytes:
            return None
        batches.append(batch)
    return pa.Table.from_batches(batches).select(schema.names).cast(schema) if batches else schema.empty_table()


def frame_of(few: pa.Table, spark: SparkSession) -> DataFrame:
    """Return few rows, at least one, as a frame of one partition: to group or to count it takes no exchange."""
    return spark.createDataFrame(few, spark_schema(few.schema)).coalesce(1)


def scan(spark: SparkSession, table: DeltaTable, times: Times | None = None) -> DataFrame | None:
    """Return a table's rows, at the version that was opened, or None if they are not simply those of its files.

    Delta plans a read by computing the table's state, one or two seconds of Spark jobs for every version; deltalake
    names the files in milliseconds. Expires when a Delta release reads the state from the checksum (Delta#6929).

    Args:
        spark: The session that reads.
        table: What is read.
        times: Rows outside these times may be left out; files whose statistics rule them out are not read.
    """
    if not is_its_files(table):
        return None
    from pyspark.sql.types import StructType  # noqa: PLC0415 - the event log is read without Spark

    schema = StructType.fromJson(json.loads(table.schema().to_json()))
    paths = list(map(hadoop_path, _files_of(table, _within(table, times))))
    return spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)


def hadoop_path(path: Path | str) -> str:
    """Return a path as Hadoop takes it, for which some characters make a pattern."""
    return _PATTERN.sub(r"\\\1", str(path))


def is_its_files(table: DeltaTable) -> bool:
    """Return whether a table's rows are simply those of its files.

    They are not with deletion vectors, column mapping, or columns that are in the files' paths alone.
    """
    return table.protocol().min_reader_version <= 1 and not table.metadata().partition_columns


def file_sizes(table: DeltaTable) -> list[int]:
    """Return the size in bytes of each of a table's files, from its log alone."""
    sizes: list[int] = pa.table(table.get_add_actions())["size_bytes"].to_pylist()
    return sizes


def folder_of(table: DeltaTable) -> Path:
    """Return the folder on this machine that a table is in."""
    return Path(url2pathname(urlsplit(table.table_uri).path))


def greatest(table: DeltaTable, column: str) -> Any:
    """Return a column's greatest value, or None where it has none; a moment to the millisecond.

    It comes from the statistics in the table's log; if a file has none, from the rows.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    name = f"max.{column}"
    if name in files.column_names and not files[name].null_count:
        return pc.max(files[name]).as_py()
    return pc.max(rows_of(table, [column])[column]).as_py()


def _files_of(table: DeltaTable, where: str | None) -> list[str]:
    """Return the paths of a table's files; those whose statistics rule a condition out are left out."""
    return list(map(url2pathname, table.file_uris(file_pruning_predicate=where)))


def _schema(table: DeltaTable) -> pa.Schema:
    return pa.schema(table.schema().to_arrow())


def _within(table: DeltaTable, times: Times | None) -> str | None:
    """Return a condition that a column is within stretches of time, or None if it has no moments."""
    if times is None:
        return None
    column, stretches = times
    schema = _schema(table)
    if column not in schema.names or not pa.types.is_timestamp(schema.field(column).type):
        return None
    name = '"' + column.replace('"', '""') + '"'
    return " OR ".join(f"({name} >= '{_text(first)}' AND {name} < '{_text(last)}')" for first, last in stretches)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
