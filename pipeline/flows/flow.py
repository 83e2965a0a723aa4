"""What every kind of flow has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.errors import DataError
from pipeline.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.batch import Batch, Written
    from pipeline.clock import Clock
    from pipeline.dataset import Dataset
    from pipeline.flows.position import Position
    from pipeline.graph import Graph, Node
    from pipeline.home import Home
    from pipeline.quality.judge import Evidence
    from pipeline.quality.rules import Suite


@dataclass(frozen=True)
class Lakehouse:
    """What flows work with: the session, the folders, the declarations, the time."""

    spark: SparkSession
    home: Home
    schema: str
    clock: Clock
    graph: Graph
    suites: Mapping[str, Suite]

    def table(self, name: str) -> Table:
        """Return a declared table's place on disk."""
        return Table(self.home.schema(self.schema) / name)

    def dataset(self, name: str) -> Dataset:
        """Return a declaration."""
        return self.graph.nodes[name].dataset

    def state(self, kind: str, name: str) -> Path:
        """Return the folder of one kind of state of one table."""
        return self.home.state / kind / self.schema / name


@dataclass(frozen=True)
class Progress:
    """What one batch did, for the event log and for those who watch.

    Attributes:
        rows_in: Records or rows that the batch read.
        written: For each table that the batch wrote to, what was committed.
        evidence: What judging the rows showed, or None where there is nothing to judge with.
        facts: More figures for the event's details.
    """

    rows_in: int
    written: Mapping[str, Written]
    evidence: Evidence | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Flow(Protocol):
    """Fills one table, or a table and its quarantine."""

    node: Node
    position: Position

    @property
    def targets(self) -> list[str]:
        """The tables that it writes to; the first gives the flow its name."""
        ...

    @property
    def sources(self) -> list[str]:
        """The stored tables that it reads."""
        ...

    def source(self) -> DataFrame | None:
        """Return the stream that drives it, or None while its source has no table yet."""
        ...

    def process(self, rows: DataFrame, batch: Batch) -> Progress:
        """Carry one batch into the tables, once, however often it is called for it."""
        ...

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that the whole source is read again; the tables have been emptied."""
        ...


class FilesGoneError(DataError):
    """Rows would be lost: the files that they came from stand nowhere any more."""

    def __init__(self, table: str, paths: list[str], remedy: str) -> None:
        self.table, self.paths = table, paths
        listed = ", ".join(Path(path).name for path in paths[:5])
        more = f" and {len(paths) - 5} more" if len(paths) > len(paths[:5]) else ""
        super().__init__(
            f"`{table}` would lose the rows of files that are neither in the landing zone nor in the archive: "
            f"{listed}{more}.",
            remedy,
        )


def from_micros(microseconds: int) -> datetime:
    """Return the moment so many microseconds after 1970, aware and in UTC.

    Spark hands timestamps to Python in the machine's time zone and without saying so; numbers have no zone.
    """
    return _EPOCH + timedelta(microseconds=microseconds)


def moment(now: datetime) -> str:
    """Return a moment as a Spark SQL literal."""
    return f"TIMESTAMP '{now:%Y-%m-%d %H:%M:%S.%f}+00:00'"
