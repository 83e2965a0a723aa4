"""The flow from one streaming table to another, judged row by row on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.arrow import FEW_ROWS, in_memory
from pipeline.batch import Batch, Written
from pipeline.errors import AuthorError, DataError
from pipeline.fault_points import FaultPoint, reach
from pipeline.flows.flow import Progress, moment
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.flows.upstream import new_rows
from pipeline.merge import delete_matching
from pipeline.quality.judge import FAILED, WARNED, Evidence, Witness, judge, without_verdicts
from pipeline.quality.rules import Suite

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.tables import Table

# The row as the source has it travels beside the query's own columns until rows are told apart.
_SOURCE_ROW = "__source_row"
VERDICT = ("failed_expectations", "quarantined_at")


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
        stopping = [rule for rule in self._suite.rules if rule.action == "fail" or rule.fail_above is not None]
        few = self._are_few(batch)
        if few:
            # Computed once, for both tables.
            judged = observed = in_memory(self._lakehouse.spark, observed)
        elif stopping or not is_new:
            # Judged once without writing: a batch that has to stop must not have begun to write.
            observed.write.format("noop").mode("overwrite").save()
            observed = judged
        if stopping and is_new:
            self._stop_on_violations(witness.evidence())
        written = {self.node.name: table.append(self._good(observed), batch, few=few)}
        evidence = witness.evidence()
        reach(FaultPoint.BEFORE_QUARANTINE)
        quarantine = self.node.dataset.quarantine
        if quarantine:
            rejected = self._lakehouse.table(quarantine)
            if evidence.dropped_rows or not is_new or not rejected.exists:
                left_out = judged.where(F.size(FAILED) > 0) if is_new else self._missing_in(table, judged)
                written[quarantine] = rejected.append(self._rejected(left_out), batch, few=few)
            else:
                written[quarantine] = Written()
        return Progress(evidence.rows, written, evidence if self._suite.rules else None)

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

    def _are_few(self, batch: Batch) -> bool:
        """Tell whether a batch's rows fit into this process: those that came since the batch before bound them."""
        begun = self.position.offsets(batch.batch_id - 1)
        version = int(begun[0].get("reservoirVersion", 0)) if begun else 0
        rows = self._lakehouse.table(self.upstream).log.rows_since(version)
        return rows is not None and rows <= FEW_ROWS

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
        good = judged.where(F.size(FAILED) == 0)
        if self.node.dataset.expectations:
            good = good.withColumn("warnings", F.col(WARNED))
        return without_verdicts(good).drop(_SOURCE_ROW, *self.node.dataset.expectation_columns)

    def _missing_in(self, table: Table, judged: DataFrame) -> DataFrame:
        """Return the rows of a batch that its commit has left out; the rules may have changed since."""
        if "record_id" not in judged.columns:
            return judged.where(F.size(FAILED) > 0)
        held = table.read(self._lakehouse.spark).select("record_id")
        return judged.join(held, on="record_id", how="left_anti")

    def _rejected(self, rejected: DataFrame) -> DataFrame:
        now = F.expr(moment(self._lakehouse.clock.now()))
        # A sender's keys may be called like the verdict's columns; their values are in the source.
        as_sent = [F.col(_SOURCE_ROW)[name].alias(name) for name in _field_names(rejected) if name not in VERDICT]
        failed, moment_of_verdict = VERDICT
        return rejected.select(*as_sent, F.col(FAILED).alias(failed), now.alias(moment_of_verdict))

    def _stop_on_violations(self, evidence: Evidence) -> None:
        for rule in self._suite.rules:
            failed = evidence.failed[rule.name]
            limit = rule.fail_above if rule.fail_above is not None else 0.0
            stops = rule.action == "fail" or rule.fail_above is not None
            if stops and failed > limit * evidence.rows:
                raise ExpectationViolatedError(self.node.name, rule.name, evidence)


def stored_sources(lakehouse: Lakehouse, node: Node) -> list[str]:
    """Return the tables that a node reads, behind any temporary views; the one that drives a flow first."""
    found: list[str] = []
    for name in node.inputs:
        is_view = lakehouse.dataset(name).kind == "temporary_view"
        found += stored_sources(lakehouse, lakehouse.graph.nodes[name]) if is_view else [name]
    return list(dict.fromkeys(found))


def _field_names(judged: DataFrame) -> list[str]:
    return judged.select(f"{_SOURCE_ROW}.*").columns
