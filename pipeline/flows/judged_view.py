"""The flow of a materialized view whose declaration has rules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.flow import Progress
from pipeline.flows.judged_write import JudgedWrite
from pipeline.flows.made_query import MadeQuery
from pipeline.flows.view import ViewFlow
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.quality.judge import FAILED, Witness, judge

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Batch
    from pipeline.flows.open import Lakehouse


class JudgedViewFlow(ViewFlow):
    """Recomputes the whole view, and its quarantine with it: each time all rows are judged."""

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        super().__init__(lakehouse, node)
        self._writing = JudgedWrite(MadeQuery(lakehouse, node))

    @property
    def targets(self) -> list[str]:
        """The view and, where it has one, its quarantine."""
        return self._writing.targets

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Recompute the view, because its sources have changed.

        Raises:
            ExpectationViolatedError: Rows violate a rule whose action is `fail`; nothing was written.
        """
        del rows  # they only say that something has changed
        return self.recompute(batch)

    def recompute(self, batch: Batch) -> Progress:
        """Compute and judge the view anew, once for a batch."""
        query = self._writing.query
        witness = Witness(query.suite)
        judged = judge(self._whole(), query.suite).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            witness.observing(judged).write.format("noop").mode("overwrite").save()
            evidence = witness.evidence()
            if self.table.committed_batch(batch.flow_id) < batch.batch_id:
                self._writing.stop_on_violations(evidence, self._writing.stopping)
            written = {self.node.name: self.table.replace(query.good(judged.where(F.size(FAILED) == 0)), batch)}
            reach(FaultPoint.BEFORE_QUARANTINE)
            quarantine = self.node.dataset.quarantine
            if quarantine:
                rejected = query.rejected(judged.where(F.size(FAILED) > 0))
                written[quarantine] = self._lakehouse.table(quarantine).replace(rejected, batch)
        finally:
            judged.unpersist()
        self._note_computed()
        return Progress(evidence.rows, written, evidence)
