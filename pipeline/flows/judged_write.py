"""Writes judged rows: those that pass to a table, the others to its quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.batch import Batch, Written
from pipeline.delta.rows import SparkRows
from pipeline.delta.write.files import DataFiles
from pipeline.flows.flow import Progress
from pipeline.flows.judged_query import VERDICT
from pipeline.flows.parting import parted_files, parted_here, with_rejected
from pipeline.foundation.errors import DataError
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.quality.judge import FAILED, Evidence, Witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from pipeline.flows.judged_query import JudgedQuery
    from pipeline.flows.parting import Part
    from pipeline.quality.rules import Rule


class ExpectationViolatedError(DataError):
    """Rows violate an expectation whose action is `fail`; their batch was not written."""

    def __init__(self, table: str, rule: str, evidence: Evidence) -> None:
        self.table, self.rule, self.evidence = table, rule, evidence
        failed, rows = evidence.failed[rule], evidence.rows
        super().__init__(
            f"`{table}` stops: {failed:,} of {rows:,} rows violate `{rule}`; nothing of their batch was written.",
            "Correct the data at its source or the rule in its suite, then run the update again.",
        )


class JudgedWrite:
    """Judges each row of a batch once, and writes it to the table or to the quarantine of a query."""

    def __init__(self, query: JudgedQuery) -> None:
        self.query = query
        self.node = query.node
        self._lakehouse = query.lakehouse

    @property
    def targets(self) -> list[str]:
        """The table and, where it has one, its quarantine."""
        quarantine = self.node.dataset.quarantine
        return [self.node.name, *([quarantine] if quarantine else [])]

    @property
    def stopping(self) -> Sequence[Rule]:
        """The rules whose violation may stop a batch."""
        rules = self.query.suite.rules
        return [rule for rule in rules if rule.action == "fail" or rule.fail_above is not None]

    def carry(self, rows: DataFrame, batch: Batch, *, few: bool, stopping: Sequence[Rule]) -> Progress:
        """Write a batch once, however often it is carried.

        Args:
            rows: What the query is given.
            batch: The key of all commits.
            few: Whether the rows are few.
            stopping: The rules that may stop the batch.

        Raises:
            ExpectationViolatedError: One of these is violated; nothing was written.
        """
        judged = self.query.judged(rows)
        witness = Witness(self.query.suite)
        observed = witness.observing(judged)
        table = self._lakehouse.table(self.node.name)
        is_new = table.committed_batch(batch.flow_id) < batch.batch_id
        parts = self._parts(observed, few=few) if is_new else None
        if parts is not None:
            written = self._write_parts(*parts, witness, batch, stopping)
        else:
            written = self._write_in_passes(judged, observed, witness, batch, stopping, is_new=is_new)
        evidence = witness.evidence()
        return Progress(evidence.rows, written, evidence if self.query.suite.rules else None)

    def _parts(self, observed: DataFrame, *, few: bool) -> tuple[Part, Part | None] | None:
        """Compute a batch once and return what the table gets and what the quarantine gets.

        None is returned, and nothing is computed, where these must be written by Spark.
        """
        quarantine = self.node.dataset.quarantine
        rejected = self.query.rejected_columns(observed) if quarantine else {VERDICT[0]: F.col(FAILED)}
        both = self.query.good(with_rejected(observed, rejected))
        if few:
            return parted_here(both, self._lakehouse.spark)
        return parted_files(both, *map(self._lakehouse.table, self.targets))

    def _write_parts(
        self, good: Part, left_out: Part | None, witness: Witness, batch: Batch, stopping: Sequence[Rule]
    ) -> dict[str, Written]:
        try:
            self.stop_on_violations(witness.evidence(), stopping)
        except ExpectationViolatedError:
            for files in (good, left_out):
                if isinstance(files, DataFiles):
                    files.discard()
            raise
        written = {self.node.name: self._lakehouse.table(self.node.name).append(good, batch)}
        reach(FaultPoint.BEFORE_QUARANTINE)
        if self.node.dataset.quarantine and left_out is not None:
            quarantine = self._lakehouse.table(self.node.dataset.quarantine)
            is_needed = left_out.row_count or not quarantine.exists
            written[self.node.dataset.quarantine] = quarantine.append(left_out, batch) if is_needed else Written()
        return written

    def _write_in_passes(
        self,
        judged: DataFrame,
        observed: DataFrame,
        witness: Witness,
        batch: Batch,
        stopping: Sequence[Rule],
        *,
        is_new: bool,
    ) -> dict[str, Written]:
        """Write a batch in a pass for each table; of one that was cut short, what its first run has left out."""
        if stopping or not is_new:
            # Judge without writing first: a batch that has to stop must not have written anything.
            observed.write.format("noop").mode("overwrite").save()
            observed = judged
        if stopping and is_new:
            self.stop_on_violations(witness.evidence(), stopping)
        table = self._lakehouse.table(self.node.name)
        written = {self.node.name: table.append(SparkRows(self.query.good(observed.where(F.size(FAILED) == 0))), batch)}
        reach(FaultPoint.BEFORE_QUARANTINE)
        quarantine = self.node.dataset.quarantine
        if quarantine:
            rejected = self._lakehouse.table(quarantine)
            if not is_new or not rejected.exists or witness.evidence().dropped_rows:
                left_out = judged.where(F.size(FAILED) > 0) if is_new else self.query.missing_in(table, judged)
                written[quarantine] = rejected.append(SparkRows(self.query.rejected(left_out)), batch)
            else:
                written[quarantine] = Written()
        return written

    def stop_on_violations(self, evidence: Evidence, stopping: Sequence[Rule]) -> None:
        """Stop a batch that violates a rule which may stop it.

        Raises:
            ExpectationViolatedError: It does.
        """
        for rule in stopping:
            limit = rule.fail_above if rule.fail_above is not None else 0.0
            if evidence.failed[rule.name] > limit * evidence.rows:
                raise ExpectationViolatedError(self.node.name, rule.name, evidence)
