"""Answers the reads of a query while its flow processes one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipeline.declare.files_table import files_table
from pipeline.declare.reading import Reader, reading
from pipeline.flows.whole_table import all_rows
from pipeline.foundation.errors import AuthorError

Answer = TypeVar("Answer")

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Node
    from pipeline.declare.outside_stream import OutsideStream
    from pipeline.flows.open import Lakehouse


class BatchReader(Reader):
    """Gives a query the rows of one batch when it reads its streaming source, and whole tables otherwise."""

    def __init__(self, lakehouse: Lakehouse, node: Node, source: str | None, rows: DataFrame | None) -> None:
        self._lakehouse = lakehouse
        self._node = node
        self._source = source
        self._rows = rows

    def query(self) -> DataFrame:
        """Return the rows of the node's query over this batch."""
        return self.answering(self._node.dataset.query)

    def answering(self, question: Callable[[], Answer]) -> Answer:
        """Return what a function returns that reads through this."""
        with reading(self):
            return question()

    def files(self, source: FilesSource) -> DataFrame:
        """Return the batch: the records of its files, from the files or from the table that has them."""
        if self._node.files is None:
            return self._answer(files_table(source))
        assert self._rows is not None
        return self._rows

    def outside_stream(self, source: OutsideStream, rows: Callable[[], DataFrame]) -> DataFrame:
        """Return the batch, or all rows that the table of a stream from outside has."""
        del rows
        return self._answer(source.table)

    def stream(self, name: str) -> DataFrame:
        """Return the batch, or the query of a temporary view over it."""
        return self._answer(name)

    def snapshot(self, name: str) -> DataFrame:
        """Return a table's current rows, or the given rows for the table that drives the flow."""
        return self._answer(name)

    def quarantine(self, name: str) -> DataFrame:
        """Refuse, because a quarantine is filled by the flow of its table.

        Raises:
            AuthorError: Always.
        """
        problem = f"{self._node.dataset.location}: the quarantine of `{name}` has no flow of its own."
        raise AuthorError(problem, "Declare the table with read_quarantine() alone.")

    def _answer(self, name: str) -> DataFrame:
        if name == self._source and self._rows is not None:
            return self._rows
        dataset = self._lakehouse.dataset(name)
        if dataset.kind == "temporary_view":
            return dataset.query()
        return all_rows(self._lakehouse, name)
