"""Answers the reads of a query that runs as one streaming query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.declare.files_table import files_table
from pipeline.declare.reading import Reader, reading
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Graph, Node
    from pipeline.declare.outside_stream import OutsideStream


@dataclass
class StreamReader(Reader):
    """Gives a query streams of the tables that it reads as streams, and whole tables otherwise.

    Attributes:
        graph: The declarations.
        node: The table whose query it is.
        new_rows: Returns the stream of a table.
        all_rows: Returns the rows of a table.
    """

    graph: Graph
    node: Node
    new_rows: Callable[[str], DataFrame]
    all_rows: Callable[[str], DataFrame]
    # Whether the next table that is read lies behind a view that is read as a stream.
    _streams_next: bool = False

    def query(self) -> DataFrame:
        """Return the result of the node's query."""
        with reading(self):
            return self.node.dataset.query()

    def files(self, source: FilesSource) -> DataFrame:
        """Return the stream of the table that has the files' records.

        Raises:
            AuthorError: There is none, and such a query reads tables.
        """
        name = files_table(source)
        if name in self.graph.nodes:
            return self.stream(name)
        return self._refuse(f"`{source.path}`, a folder of files,")

    def outside_stream(self, source: OutsideStream, rows: Callable[[], DataFrame]) -> DataFrame:
        """Return the stream of the table that has the rows of one from outside."""
        del rows
        return self.stream(source.table)

    def stream(self, name: str) -> DataFrame:
        """Return the stream of a table, or a view's query in which the first table that it reads is one."""
        dataset = self.graph.nodes[name].dataset
        self._streams_next = dataset.kind == "temporary_view"
        return dataset.query() if self._streams_next else self.new_rows(name)

    def snapshot(self, name: str) -> DataFrame:
        """Return the rows of a table or view; within a view that is read as a stream, first the stream."""
        if self._streams_next:
            return self.stream(name)
        dataset = self.graph.nodes[name].dataset
        return dataset.query() if dataset.kind == "temporary_view" else self.all_rows(name)

    def quarantine(self, name: str) -> DataFrame:
        """Refuse, because a quarantine is filled by the flow of its table.

        Raises:
            AuthorError: Always.
        """
        return self._refuse(f"the quarantine of `{name}`")

    def _refuse(self, what: str) -> DataFrame:
        problem = f"{self.node.dataset.location}: `{self.node.name}` reads {what} beside streams of tables."
        raise AuthorError(problem, "Declare a table for it, and read that with read_stream() or read().")
