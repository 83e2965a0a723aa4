"""The flow from one streaming table to another, judged row by row on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.batch import Batch, Written
from pipeline.data_files import DataFiles
from pipeline.errors import AuthorError, DataError
from pipeline.fault_points import FaultPoint, reach
from pipeline.flows.flow import Progress, moment
from pipeline.flows.parting import parted_files, parted_here, with_rejected
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.flows.upstream import are_few, new_rows
from pipeline.merge import delete_matching
from pipeline.quality.judge import FAILED, WARNED, Evidence, Witness, judge, without_verdicts
from pipeline.quality.rules import Suite

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.flows.parting import Part
    from pipeline.graph import Node
    from pipeline.quality.rules import Rule
    from pipeline.tables import Table

# The row as the source has it travels beside the query's own columns until rows are told apart.
_SOURCE_ROW = "__source_row"
_FAILED_NAME = "failed_expectations"
VERDICT = (_FAILED_NAME, "quarantined_at")


class ExpectationViolatedError(DataError):
    """Rows violate an expectation whose action is to stop the flow; nothing of their batch was written."""

    def __init__(self, table: str, rule: str, evidence: Evidence) -> None:
        self.table, self.rule, self.evidence = table, rule, evidence
        failed, rows = evidence.failed[rule], evidence.rows
        super().__init__(
            f"`{table}` stops: {failed:,} of {rows:,} rows violate `{rule}`; nothing of their batch was written.",
            "Correct the data at its source or the rule in its suite, then run the update again.",
        )


class StreamFlow:
    """Carries a streaming table's new rows through a query into a table, and what fails into its quarantine."""

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        self.node = node
        self._lakehouse = lakehouse
        self.upstream = stored_sources(lakehouse, node)[0]
        self._suite = lakehouse.suites.get(node.name) or Suite(node.name, (), ())
        self.position = Position(lakehouse.state("checkpoints", node.name))

    @property
    def targets(self) -> list[str]:
        """The table and, where it has one, its quarantine."""
        quarantine = self.node.dataset.quarantine
        return [self.node.name, *([quarantine] if quarantine else [])]

    @property
    def sources(self) -> list[str]:
        """The table that it reads."""
        return [self.upstream]

    def source(self) -> DataFrame | None:
        """Return the stream of new rows; commits that took rows away bring none."""
        table = self._lakehouse.table(self.upstream)
        if not table.exists:
            return None
        return new_rows(self._lakehouse.spark, table, self.position, "skipChangeCommits")

    def process(self, rows: DataFrame, batch: Batch) -> Progress:
        """Judge a batch's rows once each and write the good ones to the table, the others to the quarantine.

        Raises:
            ExpectationViolatedError: Rows violate a rule that stops the flow.
        """
        judged = judge(self._queried(rows), self._suite)
        witness = Witness(self._suite)
        observed = witness.observing(judged)
        table = self._lakehouse.table(self.node.name)
        is_new = table.committed_batch(batch.flow_id) < batch.batch_id
        parts = self._parts(observed, batch) if is_new else None
        if parts is not None:
            written = self._write_parts(*parts, witness, batch)
        else:
            written = self._write_in_passes(judged, observed, witness, batch, is_new=is_new)
        evidence = witness.evidence()
        return Progress(evidence.rows, written, evidence if self._suite.rules else None)

    def _parts(self, observed: DataFrame, batch: Batch) -> tuple[Part, Part | None] | None:
        """Compute a batch once and return what the table gets and what the quarantine gets.

        None is returned, and nothing is computed, where these must be written by Spark.
        """
        quarantine = self.node.dataset.quarantine
        rejected = self._rejected(observed) if quarantine else {_FAILED_NAME: F.col(FAILED)}
        both = self._good(with_rejected(observed, rejected))
        if are_few(self._lakehouse.table(self.upstream), self.position, batch.batch_id):
            return parted_here(both, self._lakehouse.spark)
        return parted_files(both, *map(self._lakehouse.table, self.targets))

    def _write_parts(self, good: Part, left_out: Part | None, witness: Witness, batch: Batch) -> dict[str, Written]:
        try:
            self._stop_on_violations(witness.evidence())
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
        self, judged: DataFrame, observed: DataFrame, witness: Witness, batch: Batch, *, is_new: bool
    ) -> dict[str, Written]:
        """Write a batch in a pass for each table; of one that was cut short, what its first run has left out."""
        may_stop = any(map(_may_stop, self._suite.rules))
        if may_stop or not is_new:
            # Judged once without writing: a batch that has to stop must not have begun to write.
            observed.write.format("noop").mode("overwrite").save()
            observed = judged
        if may_stop and is_new:
            self._stop_on_violations(witness.evidence())
        table = self._lakehouse.table(self.node.name)
        written = {self.node.name: table.append(self._good(observed.where(F.size(FAILED) == 0)), batch)}
        reach(FaultPoint.BEFORE_QUARANTINE)
        quarantine = self.node.dataset.quarantine
        if quarantine:
            rejected = self._lakehouse.table(quarantine)
            if not is_new or not rejected.exists or witness.evidence().dropped_rows:
                left_out = judged.where(F.size(FAILED) > 0) if is_new else self._missing_in(table, judged)
                written[quarantine] = rejected.append(self._as_rejected(left_out), batch)
            else:
                written[quarantine] = Written()
        return written

    def replay(self, rows: DataFrame, batch: Batch) -> Progress:
        """Judge quarantined rows by the current rules and move what now passes to the table, once for a batch.

        Args:
            rows: Rows of the quarantine, corrected, as the source has them.
            batch: The key of both commits.
        """
        quarantine = self.node.dataset.quarantine
        assert quarantine is not None
        spark = self._lakehouse.spark
        table, rejected = self._lakehouse.table(self.node.name), self._lakehouse.table(quarantine)
        judged = judge(self._queried(rows), self._suite)
        witness = Witness(self._suite)
        if table.committed_batch(batch.flow_id) < batch.batch_id:
            passing = witness.observing(judged.where(F.size(FAILED) == 0))
            moved = table.append(self._good(passing), batch)
        else:
            # The rules may have changed since: what the commit took in counts.
            held = table.read(spark).select("record_id")
            taken = witness.observing(judged.join(held, on="record_id", how="left_semi"))
            taken.write.format("noop").mode("overwrite").save()
            moved = table.written_by(batch)
        held = table.read(spark).join(F.broadcast(rows.select("record_id")), on="record_id", how="left_semi")
        gone = delete_matching(spark, rejected, held.select("record_id"), ["record_id"], batch)
        failing = judged.select(F.explode(FAILED).alias("rule")).groupBy("rule").count().collect()
        replayed = judged.count()
        facts = {
            "num_replayed_rows": replayed,
            "still_failing": {row["rule"]: row["count"] for row in sorted(failing)},
        }
        evidence = witness.evidence() if self._suite.rules else None
        return Progress(replayed, {self.node.name: moved, quarantine: gone}, evidence, facts)

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that all of the source's rows are read again."""
        self.position.renew(flow_id)

    def _queried(self, rows: DataFrame) -> DataFrame:
        if self.node.dataset.quarantine:
            rows = rows.withColumn(_SOURCE_ROW, F.struct("*"))
        result = BatchReader(self._lakehouse, self.node, self.upstream, rows).query()
        if self.node.dataset.quarantine and _SOURCE_ROW not in result.columns:
            dataset = self.node.dataset
            problem = f"{dataset.location}: the query of `{dataset.name}` leaves out columns that it does not know."
            raise AuthorError(problem, "A table with a quarantine lets later columns pass; select them too.")
        return result

    def _good(self, judged: DataFrame) -> DataFrame:
        """Return rows as the table has them."""
        if self.node.dataset.expectations:
            judged = judged.withColumn("warnings", F.col(WARNED))
        return without_verdicts(judged).drop(_SOURCE_ROW, *self.node.dataset.expectation_columns)

    def _missing_in(self, table: Table, judged: DataFrame) -> DataFrame:
        """Return the rows of a batch that its commit has left out; the rules may have changed since."""
        if "record_id" not in judged.columns:
            return judged.where(F.size(FAILED) > 0)
        held = table.read(self._lakehouse.spark).select("record_id")
        return judged.join(held, on="record_id", how="left_anti")

    def _as_rejected(self, judged: DataFrame) -> DataFrame:
        return judged.select(*(column.alias(name) for name, column in self._rejected(judged).items()))

    def _rejected(self, judged: DataFrame) -> dict[str, Column]:
        """Return the columns of rows as the quarantine has them."""
        now = F.expr(moment(self._lakehouse.clock.now()))
        # A sender's keys may be called like the verdict's columns; their values are in the source.
        as_sent = {name: F.col(_SOURCE_ROW)[name] for name in _field_names(judged) if name not in VERDICT}
        return {**as_sent, **dict(zip(VERDICT, (F.col(FAILED), now), strict=True))}

    def _stop_on_violations(self, evidence: Evidence) -> None:
        for rule in filter(_may_stop, self._suite.rules):
            limit = rule.fail_above if rule.fail_above is not None else 0.0
            if evidence.failed[rule.name] > limit * evidence.rows:
                raise ExpectationViolatedError(self.node.name, rule.name, evidence)


def stored_sources(lakehouse: Lakehouse, node: Node) -> list[str]:
    """Return the tables that a node reads, behind any temporary views; the one that drives a flow first."""
    found: list[str] = []
    for name in node.inputs:
        is_view = lakehouse.dataset(name).kind == "temporary_view"
        found += stored_sources(lakehouse, lakehouse.graph.nodes[name]) if is_view else [name]
    return list(dict.fromkeys(found))


def _may_stop(rule: Rule) -> bool:
    return rule.action == "fail" or rule.fail_above is not None


def _field_names(judged: DataFrame) -> list[str]:
    return judged.select(f"{_SOURCE_ROW}.*").columns
