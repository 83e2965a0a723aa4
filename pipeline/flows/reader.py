"""Answers a query's reads while one batch of its flow is carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.declare import Reader, reading
from pipeline.errors import AuthorError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.ingest.source import FilesSource


class BatchReader(Reader):
    """Gives a query the rows of one batch where it reads its streaming source, and tables elsewhere."""

    def __init__(self, lakehouse: Lakehouse, node: Node, source: str | None, rows: DataFrame) -> None:
        self._lakehouse = lakehouse
        self._node = node
        self._source = source
        self._rows = rows

    def query(self) -> DataFrame:
        """Return the rows of the node's query over this batch."""
        with reading(self):
            return self._node.dataset.query()

    def files(self, source: FilesSource) -> DataFrame:
        """Return the batch: the records of its files."""
        del source
        return self._rows

    def stream(self, name: str) -> DataFrame:
        """Return the batch, or the query of a temporary view over it."""
        return self._answer(name)

    def snapshot(self, name: str) -> DataFrame:
        """Return what a table holds now; for the table that drives the flow, the rows that were chosen."""
        return self._answer(name)

    def quarantine(self, name: str) -> DataFrame:
        """Refuse: a quarantine is filled by the flow of its table."""
        problem = f"{self._node.dataset.location}: the quarantine of `{name}` has no flow of its own."
        raise AuthorError(problem, "Declare the table with read_quarantine() alone.")

    def _answer(self, name: str) -> DataFrame:
        if name == self._source:
            return self._rows
        dataset = self._lakehouse.dataset(name)
        if dataset.kind == "temporary_view":
            return dataset.query()
        return self._lakehouse.table(name).read(self._lakehouse.spark)
