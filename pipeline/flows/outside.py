"""The flow of a table that keeps the rows of a stream from outside the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

from pipeline.delta.rows import SparkRows
from pipeline.flows.flow import Flow, Progress
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Node
    from pipeline.declare.outside_stream import OutsideStream
    from pipeline.delta.batch import Batch
    from pipeline.flows.open import Lakehouse


class OutsideFlow(Flow):
    """Appends the rows of each batch as they are."""

    def __init__(self, lakehouse: Lakehouse, node: Node, stream: OutsideStream) -> None:
        super().__init__(lakehouse, node)
        self._stream = stream

    @property
    def sources(self) -> list[str]:
        """No table of the pipeline: nobody here counts what is left to read."""
        return []

    def source(self) -> DataFrame:
        """Return the stream.

        Raises:
            AuthorError: There is no Delta table, or it does not take the options.
        """
        try:
            return self._stream.rows(self._lakehouse.spark)
        except PySparkException as error:
            first_line = str(error).splitlines()[0]
            problem = f"{self.node.dataset.location}: `{self._stream.name}` cannot be read as a stream: {first_line}"
            raise AuthorError(problem, f"Put a Delta table at {self._stream.path}.") from error

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Append a batch's rows, once."""
        written = self.table.append(SparkRows(rows), batch)
        return Progress(written.rows, {self.node.name: written})
