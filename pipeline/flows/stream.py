"""The flow from one streaming table to another, with every row judged on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.flows.flow import Flow, Progress
from pipeline.flows.judged_query import JudgedQuery
from pipeline.flows.judged_write import JudgedWrite
from pipeline.flows.made_query import MadeQuery
from pipeline.flows.query_record import QueryRecord
from pipeline.flows.replaying import failing
from pipeline.flows.upstream import has_few_rows, new_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Batch
    from pipeline.flows.open import Lakehouse


class StreamFlow(Flow):
    """Carries a streaming table's new rows through a query into a table, and rows that fail into its quarantine."""

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        super().__init__(lakehouse, node)
        self.query = MadeQuery(lakehouse, node) if node.dataset.rules else JudgedQuery(lakehouse, node)
        self.writing = JudgedWrite(self.query)
        self.upstream = self.query.upstream

    @property
    def record(self) -> QueryRecord:
        """The query that the flow's state belongs to, if it has one."""
        return QueryRecord(self._lakehouse, self.node, self.position)

    def _check_checkpoint(self) -> None:
        super()._check_checkpoint()
        self.record.check()

    @property
    def targets(self) -> list[str]:
        """The table and, where it has one, its quarantine."""
        return self.writing.targets

    @property
    def sources(self) -> list[str]:
        """The table that it reads."""
        return [self.upstream]

    def source(self) -> DataFrame | None:
        """Return the stream of new rows; commits that delete rows add nothing to it."""
        table = self._lakehouse.table(self.upstream)
        if not table.exists:
            return None
        if self.record.is_needed:
            self.record.begin({self.upstream})
        columns = self._lakehouse.graph.nodes[self.upstream].stored_schema
        return new_rows(self._lakehouse.spark, table, self.position, "skipChangeCommits", columns=columns)

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Judge each row of a batch once; write the good ones to the table and the others to the quarantine.

        Raises:
            ExpectationViolatedError: Rows violate a rule whose action is `fail`, or too many violate a rule.
        """
        few = has_few_rows(self._lakehouse.table(self.upstream), self.position, batch.batch_id)
        return self.writing.carry(rows, batch, few=few, stopping=self.writing.stopping)

    def make_again(self, rejected: DataFrame, rows: DataFrame, batch: Batch) -> Progress:
        """Write all rows of some records, once for a batch; their former rows have been taken out.

        Args:
            rejected: The rows of the quarantine that this is done for.
            rows: The records as the source has them, corrected.
            batch: The key of both commits.
        """
        # The records are here already: a row that violates a rule whose action is `fail` goes to the quarantine.
        progress = self.writing.carry(rows, batch, few=False, stopping=())
        facts = {"num_replayed_rows": rejected.count(), "still_failing": failing(self.query.judged(rows))}
        return replace(progress, facts=facts)
