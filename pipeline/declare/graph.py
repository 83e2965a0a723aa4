"""The datasets of a pipeline in the order an update refreshes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.foundation.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from pipeline.declare.dataset import Dataset
    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.outside_stream import OutsideStream
    from pipeline.foundation.errors import NoDataError


NumberedBy = Literal["order", "values", "source"]


@dataclass
class Node:
    """A dataset and what its query reads.

    Attributes:
        files: The folder of files that it reads, or None.
        streams: The datasets whose new rows it reads.
        streamed: The tables behind these, directly or through temporary views; the first drives its flow.
        snapshots: The datasets that it reads whole.
        files_are_stored: Whether a table of their own has the files' records, and it reads that.
        outside: What it reads from outside the pipeline.
        outside_stream: The stream from outside whose rows it keeps, or None.
        quarantine_of: The table whose rejected rows it reads, or None.
        schema: An empty frame with the columns of its query.
        frame: The query's result over empty frames, those that it reads as streams being streams.
        numbered_by: What the rows of a record are numbered by, in `record_row`: the `order` in which the query makes
            them, their `values`, or the number of the `source`'s row. None where a record has one row, or its rows
            cannot be numbered.
    """

    dataset: Dataset
    files: FilesSource | None = None
    streams: list[str] = field(default_factory=list)
    streamed: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    files_are_stored: bool = False
    outside: list[str] = field(default_factory=list)
    outside_stream: OutsideStream | None = None
    quarantine_of: str | None = None
    schema: DataFrame | None = None
    frame: DataFrame | None = None
    numbered_by: NumberedBy | None = None

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    @property
    def judges_rows(self) -> bool:
        """Whether its suite judges each row: on the way from another table, but not of what changes make by key."""
        return bool(self.streams) and self.dataset.changes is None

    @property
    def folders(self) -> list[str]:
        """The folder of files that it reads, as reports name it; one outside the landing zone has its whole path."""
        if self.files is None:
            return []
        return [self.files.path if self.files.path.startswith("/") else f"landing/{self.files.path}"]

    @property
    def stored_columns(self) -> list[str]:
        """The columns that the table stores."""
        computed = self.schema.columns if self.schema is not None else []
        marks = ["warnings"] if self.dataset.expectations and self.judges_rows else []
        return [*(name for name in computed if name not in self.dataset.expectation_columns), *marks]

    @property
    def stored_schema(self) -> StructType:
        """The columns that the table stores, with their types."""
        from pyspark.sql.types import ArrayType, StringType, StructField, StructType  # noqa: PLC0415 - needs no session

        assert self.schema is not None
        marks = StructField("warnings", ArrayType(StringType()))
        fields = {field.name: field for field in self.schema.schema}
        return StructType([fields.get(name, marks) for name in self.stored_columns])

    @property
    def inputs(self) -> list[str]:
        """The datasets that it reads, each once."""
        rejected = [self.quarantine_of] if self.quarantine_of else []
        return list(dict.fromkeys([*self.streams, *self.snapshots, *rejected]))


@dataclass(frozen=True)
class Unresolved:
    """A dataset whose query could not run, because what it reads is not there yet."""

    dataset: Dataset
    reason: NoDataError


@dataclass(frozen=True)
class Graph:
    """Nodes in dependency order: each comes after everything that it reads.

    Attributes:
        unresolved: The datasets whose columns are not known.
    """

    nodes: dict[str, Node]
    unresolved: dict[str, Unresolved] = field(default_factory=dict)

    @property
    def tables(self) -> list[Node]:
        """The nodes that are stored."""
        return [node for node in self.nodes.values() if node.dataset.kind != "temporary_view"]

    def upstream(self, names: set[str]) -> set[str]:
        """Return the datasets and everything that they need."""
        return self._closure(names, lambda name: self.nodes[name].inputs)

    def downstream(self, names: set[str]) -> set[str]:
        """Return the datasets and everything that needs them."""
        return self._closure(names, lambda name: [node.name for node in self.nodes.values() if name in node.inputs])

    def stored_inputs(self, name: str) -> list[str]:
        """Return the tables that a dataset reads, directly or through temporary views, each once.

        The table that drives the dataset's flow comes first.
        """
        found: list[str] = []
        for read in self.nodes[name].inputs:
            is_view = self.nodes[read].dataset.kind == "temporary_view"
            found += self.stored_inputs(read) if is_view else [read]
        return list(dict.fromkeys(found))

    def streamed_by(self, name: str) -> set[str]:
        """Return the tables whose rows reach a table as streams, through others or not."""
        return self._closure({name}, lambda one: self.nodes[one].streamed) - {name}

    def filled_with(self, names: Iterable[str]) -> set[str]:
        """Return the tables whose flows fill the named ones: a quarantine is filled by the flow of its table."""
        owners = {name: node.quarantine_of for name, node in self.nodes.items() if node.quarantine_of}
        return {owners.get(name, name) for name in names}

    def emptied_with(self, names: Iterable[str]) -> set[str]:
        """Return the tables that a full refresh of some empties: what needs them, and what gives them rows once."""
        found = self.downstream(self.filled_with(names))
        return found | {name for name, node in self.nodes.items() if node.dataset.once_for in found}

    def _closure(self, names: set[str], neighbours: Callable[[str], list[str]]) -> set[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in self.nodes:
                raise UnknownNameError("table", name, self.nodes, "The pipeline")
            if name not in reached:
                reached.add(name)
                waiting.extend(neighbours(name))
        return reached
