"""Rows computed and written in one pass, by Arrow in Spark's workers.

Spark's own writer goes through rows value by value, and Delta once more for its statistics. Arrow has columns.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import Observation
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere
from pyspark.sql.types import ArrayType, BinaryType, MapType, StringType, StructType

from pipeline.delta.schema import spark_schema
from pipeline.delta.write.files import DataFile, DataFiles, ShareWriter
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from pipeline.delta.write.files import Share
    from pipeline.foundation.limits import Limits

    Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# Spark hands rows to workers in batches of a fixed number of rows, however large, instead of asking for the size of a
# batch at each row, which is a quarter of the work.
_BATCH_BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"
_NO_LIMIT = str(2**31 - 1)
# Spark derives twice as many constraints with each further column of a row that is kept whole beside its columns.
_CONSTRAINTS = "spark.sql.constraintPropagation.enabled"
_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
_FOUND = pa.schema([
    ("share", pa.int32()), ("name", pa.string()), ("size_bytes", pa.int64()), ("modified_at", pa.int64()),
    ("rows", pa.int64()), ("statistics", pa.string()),
])  # fmt: skip


def write_files(rows: DataFrame, shares: Sequence[Share], limits: Limits) -> list[DataFiles]:
    """Compute rows and write each share of them to its folder, one file or more for each of Spark's partitions.

    Rows are computed once; wide rows, if there are any, are computed a second time.

    Returns:
        The files of each share; a share without rows has none.
    """
    names = rows.columns
    # PySpark looks columns up by name, and takes a dot for a field.
    rows = rows.toDF(*(f"column_{number}" for number in range(len(names))))

    def named(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (batch.rename_columns(names) for batch in batches)

    text_bytes = _text_bytes(rows.schema)
    if len(text_bytes) > limits.measured_texts:
        return write_from_workers(rows, shares, named)
    is_wide = _sum([F.lit(0), *text_bytes]) > limits.wide_bytes
    counts = Observation()
    counted = rows.observe(counts, F.count_if(is_wide).alias("wide"))
    # The setting is read when the rows are computed, so both passes have the session to themselves.
    with _alone_in(rows.sparkSession), _setting(rows.sparkSession, _CONSTRAINTS, "false"):
        with _setting(rows.sparkSession, _BATCH_BYTES, _NO_LIMIT):
            written = write_from_workers(counted.where(~is_wide), shares, named)
        if not counts.get["wide"]:
            return written
        more = write_from_workers(rows.where(is_wide), shares, named)
    return list(map(DataFiles.with_more, written, more))


def write_from_workers(rows: DataFrame, shares: Sequence[Share], become: Batches = iter) -> list[DataFiles]:
    """Write what workers make of rows; else as `write_files`.

    Files of an attempt that fails stay behind, as those of Spark's own writer do; Delta's VACUUM takes them away.

    Args:
        rows: What the workers are given.
        shares: What of theirs is written where.
        become: What they make of it; to be pickled.
    """
    for share in shares:
        share.folder.mkdir(parents=True, exist_ok=True)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        writers = [ShareWriter(share) for share in shares]
        for batch in become(batches):
            for writer in writers:
                writer.add(batch)
        found = [{"share": index, **vars(file)} for index, writer in enumerate(writers) for file in writer.finished()]
        yield pa.RecordBatch.from_pylist(found, _FOUND)

    found = rows.mapInArrow(write, spark_schema(_FOUND)).collect()
    files = [(row["share"], DataFile(*(row[field.name] for field in fields(DataFile)))) for row in found]
    return [
        DataFiles(share.folder, share.schema, tuple(file for taken_by, file in files if taken_by == index))
        for index, share in enumerate(shares)
    ]


def _text_bytes(schema: StructType, within: str = "") -> list[Column]:
    """Return how long each of a row's texts is, those in structs and lists included."""
    lengths: list[Column] = []
    for field in schema:
        path = within + quoted(field.name)
        column = F.col(path)
        if isinstance(field.dataType, StringType | BinaryType):
            lengths.append(F.coalesce(F.octet_length(column), F.lit(0)))
        elif isinstance(field.dataType, ArrayType):
            joined = F.octet_length(F.concat_ws("", column.cast("array<string>")))
            lengths.append(F.when(F.size(column) > 0, joined).otherwise(0))
        elif isinstance(field.dataType, MapType):
            sides = [side(column).cast("array<string>") for side in (F.map_keys, F.map_values)]
            lengths.append(F.octet_length(F.concat_ws("", *sides)))
        elif isinstance(field.dataType, StructType):
            lengths += _text_bytes(field.dataType, f"{path}.")
    return lengths


def _sum(numbers: list[Column]) -> Column:
    """Return a sum as a tree, whose depth Spark can walk."""
    half = len(numbers) // 2
    return _sum(numbers[:half]) + _sum(numbers[half:]) if half else numbers[0]


@contextmanager
def _alone_in(spark: SparkSession) -> Iterator[None]:
    """Let one flow at a time change the settings of a session that flows share."""
    session: Any = spark._jsparkSession  # noqa: SLF001
    with _locks[str(session.sessionUUID())]:
        yield


@contextmanager
def _setting(spark: SparkSession, name: str, value: str) -> Iterator[None]:
    """Let a setting have another value inside the block."""
    before = str(spark.conf.get(name))
    spark.conf.set(name, value)
    try:
        yield
    finally:
        spark.conf.set(name, before)
