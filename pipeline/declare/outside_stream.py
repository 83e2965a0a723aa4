"""Delta tables from outside that queries read as streams: their rows are kept in a table of the pipeline first."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pipeline.declare.dataset import Dataset
from pipeline.declare.reading import active_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.declare.dataset import Registry, SourceLocation

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class OutsideStream:
    """A stream of a Delta table that no flow of the pipeline fills.

    Attributes:
        name: The table as its author names it.
        path: Where it is.
        options: What the author gives Delta's reader, such as `skipChangeCommits`.
    """

    name: str
    path: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def table(self) -> str:
        """The name of the table with its rows; another stream has another one."""
        plain = _NOT_IN_NAMES.sub("_", self.name.rpartition(".")[2].rpartition("/")[2].lower()).strip("_")
        return f"stream_{plain}_{hashlib.sha256(repr(self).encode()).hexdigest()[:8]}"

    def rows(self, spark: SparkSession) -> DataFrame:
        """Return the stream."""
        return spark.readStream.format("delta").options(**dict(self.options)).load(self.path)


def read_outside(source: OutsideStream, rows: Callable[[], DataFrame]) -> DataFrame:
    """Return the rows of a stream from outside.

    Args:
        source: The stream.
        rows: Returns it as Spark has it.
    """
    return active_reader("readStream").outside_stream(source, rows)


def store_outside(
    registry: Registry, source: OutsideStream, rows: Callable[[], DataFrame], location: SourceLocation
) -> str:
    """Declare the table with the rows of a stream from outside, unless it is declared, and return its name.

    Args:
        registry: The declarations.
        source: The stream.
        rows: Returns it as Spark has it.
        location: Where it is read first.
    """
    if source.table not in registry.datasets:
        comment = f"The rows of {source.name}, a table from outside, for the queries that read it as a stream"
        query = partial(read_outside, source, rows)
        registry.register(Dataset(source.table, "streaming_table", query, comment, location))
    return source.table
