"""The rows of a batch of files, before anything is asked of Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.pandas.types import from_arrow_schema

from pipeline.arrow import FEW_ROWS, Held
from pipeline.data_files import Share
from pipeline.file_pass import write_from_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.data_files import DataFiles
    from pipeline.ingest.stamp import Stamp

_BYTES_A_MESSAGE = 4 * 1024**2


@dataclass(frozen=True)
class RowsHere:
    """Rows that were read in this process."""

    rows: pa.Table
    spark: SparkSession

    @property
    def schema(self) -> pa.Schema:
        """Their columns."""
        return self.rows.schema

    @property
    def are_few(self) -> bool:
        """Whether what becomes of them fits into this process too."""
        return bool(self.rows.num_rows <= FEW_ROWS)

    def frame(self) -> DataFrame:
        """Return them as a frame."""
        return self.spark.createDataFrame(self.rows)

    def stamped(self, stamp: Stamp, folder: Path) -> Held:
        """Return them stamped, to be put into a table."""
        del folder  # they are committed from here
        stamped = stamp.on_batches(iter(self.rows.to_batches()))
        rows = pa.Table.from_batches(stamped, schema=stamp.columns(self.schema))
        return Held(rows, lambda: self.spark.createDataFrame(rows))


@dataclass(frozen=True)
class RowsInWorkers:
    """Rows that Spark's workers will read.

    Attributes:
        files: Which worker reads which files.
        read: What a worker does with its part of these; to be pickled.
        schema: The columns of what it gives.
    """

    files: DataFrame
    read: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
    schema: pa.Schema

    @property
    def are_few(self) -> bool:
        """Whether what becomes of them fits into this process: it does not."""
        return False

    def frame(self) -> DataFrame:
        """Return them as a frame."""
        read = self.read

        def read_joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return _joined(read(batches))

        return self.files.mapInArrow(read_joined, from_arrow_schema(self.schema))

    def stamped(self, stamp: Stamp, folder: Path) -> DataFiles:
        """Have the workers that read them write them too, stamped, and return the files in a table's folder."""
        read = self.read

        def read_stamped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            task = TaskContext.get()
            assert task is not None
            return stamp.on_batches(read(batches), task.partitionId())

        (files,) = write_from_workers(self.files, [Share(folder, stamp.columns(self.schema))], read_stamped)
        return files


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in fewer batches: thousands of small files would otherwise be as many messages."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= _BYTES_A_MESSAGE:
            yield from pa.Table.from_batches(held).combine_chunks().to_batches()
            held, size = [], 0
    if held:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()
