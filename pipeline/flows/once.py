"""The flow of a table that is filled once in its life, and again after a full refresh."""

from __future__ import annotations

from pipeline.delta.batch import Batch
from pipeline.delta.rows import SparkRows
from pipeline.flows.batch_query import BatchReader
from pipeline.flows.flow import Progress
from pipeline.flows.undriven import UndrivenFlow


class OnceFlow(UndrivenFlow):
    """Writes the rows of its query as one batch; once that is committed, the query is not run again."""

    def due_batch(self, update_id: str) -> Batch | None:
        """Return the only batch, unless it is committed."""
        if self.table.committed_batch(self._due_id()) >= 0:
            return None
        return Batch(update_id, self.node.name, self._due_id(), 0)

    def recompute(self, batch: Batch) -> Progress:
        """Write the only batch; for any other there is nothing to do."""
        if batch.flow_id != self._due_id():
            return Progress(0, {})
        rows = BatchReader(self._lakehouse, self.node, None, None).query()
        written = self.table.append(SparkRows(rows), batch)
        return Progress(written.rows, {self.node.name: written})

    def _due_id(self) -> str:
        """Return the identity under which the batch is committed; it changes with a full refresh."""
        return f"{self.position.flow_id()}/once"

    def _check_checkpoint(self) -> None:
        self.position.check(self.table, self._due_id())
