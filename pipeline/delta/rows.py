"""Rows that are given to a table, wherever they are: in this process, in Spark, or in files that workers wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from pipeline.delta.schema import arrow_schema, spark_schema
from pipeline.delta.write.files import DataFiles, Share, ShareWriter
from pipeline.delta.write.workers import write_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipeline.foundation.limits import Limits


class Rows(Protocol):
    """Rows that a table appends or merges; how they get there is for the table to decide."""

    @property
    def schema(self) -> pa.Schema:
        """Their columns, all of them nullable."""
        ...

    @property
    def at_most(self) -> int | None:
        """An upper bound of their number that is known before they are computed, or None."""
        ...

    def frame(self) -> DataFrame:
        """Return them for Spark to write."""
        ...

    def table(self) -> pa.Table:
        """Return them in this process."""
        ...

    def write_to(self, folder: Path, limits: Limits) -> DataFiles:
        """Write them to a table's folder and return the files, which no commit has taken in yet."""
        ...


@dataclass(frozen=True)
class SparkRows:
    """Rows that Spark computes.

    Attributes:
        rows: The frame that computes them.
        at_most: An upper bound of their number, or None.
    """

    rows: DataFrame
    at_most: int | None = None

    @property
    def schema(self) -> pa.Schema:
        """Their columns."""
        return arrow_schema(self.rows.schema)

    def frame(self) -> DataFrame:
        """Return the frame."""
        return self.rows

    def table(self) -> pa.Table:
        """Compute them and return them."""
        return self.rows.toArrow()

    def write_to(self, folder: Path, limits: Limits) -> DataFiles:
        """Have Spark's workers compute and write them."""
        (files,) = write_files(self.rows, [Share(folder, self.schema)], limits)
        return files


@dataclass(frozen=True)
class Held:
    """Rows that are in this process.

    Attributes:
        rows: The rows.
        as_frame: Hands them to Spark.
    """

    rows: pa.Table
    as_frame: Callable[[], DataFrame]

    @classmethod
    def of(cls, rows: pa.Table, spark: SparkSession, columns: StructType | None = None) -> Held:
        """Return rows, with the columns of a frame if it is given.

        Args:
            rows: The rows.
            spark: The session that is handed them. It must not be the session of a stream's batch, which would
                become the active one everywhere.
            columns: The names and types of the frame's columns.
        """
        columns = columns or spark_schema(rows.schema)
        # PySpark refuses an Arrow table without rows.
        return cls(rows, lambda: spark.createDataFrame(rows if rows.num_rows else [], columns))

    @property
    def row_count(self) -> int:
        """Their number."""
        return int(self.rows.num_rows)

    @property
    def schema(self) -> pa.Schema:
        """Their columns."""
        return pa.schema([pa.field(field.name, field.type) for field in self.rows.schema])

    @property
    def at_most(self) -> int:
        """Their number."""
        return self.row_count

    def frame(self) -> DataFrame:
        """Hand them to Spark."""
        return self.as_frame()

    def table(self) -> pa.Table:
        """Return them."""
        return self.rows

    def write_to(self, folder: Path, limits: Limits) -> DataFiles:
        """Write them from this process."""
        del limits  # they are in memory already
        folder.mkdir(parents=True, exist_ok=True)
        writer = ShareWriter(Share(folder, self.schema))
        for batch in self.rows.to_batches():
            writer.add(batch)
        return DataFiles(folder, self.schema, tuple(writer.finished()))
