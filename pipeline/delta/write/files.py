"""Files of rows that a table's log is to take in: what they are, and how Arrow writes them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet
from pyspark.sql import SparkSession

from pipeline.delta.reading import hadoop_path
from pipeline.delta.schema import spark_schema
from pipeline.delta.write.statistics import FileStatistics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame

    from pipeline.foundation.limits import Limits

# What a worker holds before it writes: a group of rows that a reader can take or leave.
_GROUP_BYTES = 32 * 1024**2
_FILE_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class DataFile:
    """One file.

    Attributes:
        name: Its name in the table's folder.
        modified_at: When it was written, in milliseconds since 1970.
        statistics: Its rows' statistics for Delta's log, as JSON.
    """

    name: str
    size_bytes: int
    modified_at: int
    rows: int
    statistics: str


@dataclass(frozen=True)
class DataFiles:
    """Rows in files that are in a table's folder and in no commit yet.

    Attributes:
        schema: The columns of their rows.
    """

    folder: Path
    schema: pa.Schema
    files: tuple[DataFile, ...]

    @property
    def row_count(self) -> int:
        """The number of their rows."""
        return sum(file.rows for file in self.files)

    @property
    def at_most(self) -> None:
        """No number: whatever their number, these rows are not read back to be written again."""
        return

    def frame(self) -> DataFrame:
        """Return the rows as Spark reads them from the files."""
        paths = [hadoop_path(self.folder / file.name) for file in self.files]
        spark, schema = SparkSession.active(), spark_schema(self.schema)
        return spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)

    def table(self) -> pa.Table:
        """Return the rows."""
        return self.frame().toArrow()

    def write_to(self, folder: Path, limits: Limits) -> DataFiles:
        """Return these files, which are in the folder."""
        assert folder == self.folder, "the files are in another table's folder"
        del limits  # the rows are written already
        return self

    def with_more(self, others: DataFiles) -> DataFiles:
        """Return these and others of the same folder."""
        return replace(self, files=(*self.files, *others.files))

    def discard(self) -> None:
        """Delete them: they will not be committed."""
        for file in self.files:
            (self.folder / file.name).unlink(missing_ok=True)


def all_of(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows."""
    return rows


@dataclass(frozen=True)
class Share:
    """What of some rows is written to one folder.

    Attributes:
        schema: Its columns.
        take: Returns it, given some of the rows; all of them by default.
    """

    folder: Path
    schema: pa.Schema
    take: Callable[[pa.RecordBatch], pa.RecordBatch] = all_of


class ShareWriter:
    """Writes one share of a part of the rows, in one process."""

    def __init__(self, share: Share, group_bytes: int = _GROUP_BYTES, file_bytes: int = _FILE_BYTES) -> None:
        self._share = share
        self._group_bytes, self._file_bytes = group_bytes, file_bytes
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._file: _OpenFile | None = None
        self._done: list[DataFile] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some of the rows."""
        taken = self._share.take(batch)
        if not taken.num_rows:
            return
        self._held.append(taken)
        self._held_bytes += taken.nbytes
        if self._held_bytes >= self._group_bytes:
            self._write_group()

    def finished(self) -> list[DataFile]:
        """Return all files, the last one closed."""
        if self._held:
            self._write_group()
        self._close()
        return self._done

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._held).cast(self._share.schema)
        self._held, self._held_bytes = [], 0
        self._file = self._file or _OpenFile(self._share)
        self._file.write(group)
        # Of what it frees Arrow keeps the most that it ever held, in each worker.
        del group
        pa.default_memory_pool().release_unused()
        if self._file.size_bytes >= self._file_bytes:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._done.append(self._file.closed())
            self._file = None


class _OpenFile:
    """A Parquet file that rows are added to."""

    def __init__(self, share: Share) -> None:
        self._path = share.folder / f"part-{uuid.uuid4()}.snappy.parquet"
        self._statistics = FileStatistics(share.schema)
        # Arrow passes over NaN in a file's statistics, and Spark would pass over the file: there it is the greatest.
        told = [field.name for field in share.schema if not pa.types.is_floating(field.type)]
        self._sink = pa.OSFile(str(self._path), "wb")
        self._writer = parquet.ParquetWriter(self._sink, share.schema, compression="snappy", write_statistics=told)

    @property
    def size_bytes(self) -> int:
        return int(self._sink.tell())

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=rows.num_rows)
        self._statistics.add(rows)

    def closed(self) -> DataFile:
        self._writer.close()
        self._sink.close()
        found = self._path.stat()
        rows, statistics = self._statistics.rows, self._statistics.as_json()
        return DataFile(self._path.name, found.st_size, found.st_mtime_ns // 1_000_000, rows, statistics)
