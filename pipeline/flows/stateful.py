"""The flow of a table whose query runs as one streaming query, with state that Spark keeps from batch to batch."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.batch import Written
from pipeline.delta.merge import KEPT, replace_keys
from pipeline.delta.reading import hadoop_path
from pipeline.delta.rows import SparkRows
from pipeline.flows.flow import Progress
from pipeline.flows.judged_query import columns_as_made
from pipeline.flows.stream import StreamFlow
from pipeline.flows.stream_query import StreamReader
from pipeline.flows.upstream import new_rows, next_versions
from pipeline.flows.whole_table import no_rows
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.quality.judge import FAILED, Witness, judge

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Batch
    from pipeline.delta.table import Table
    from pipeline.flows.open import Lakehouse

# Where a watermark passes over rows of later batches, a backlog has to be one batch.
_ALL_FILES = 2**31 - 1


class StatefulFlow(StreamFlow):
    """Takes what a streaming query gives for each batch, judges it, and writes it as the query's output mode says.

    Rows are added, replace those with the same keys, or replace the whole table, and the quarantine's rows alike. A
    batch's rows are computed once and kept until both tables have them: computed again, they would be the same rows,
    but not necessarily the same among duplicates, nor judged by the same rules.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        super().__init__(lakehouse, node)
        self._kept = lakehouse.streams[node.name]
        self.output_mode = self._kept.output_mode

    @property
    def sources(self) -> list[str]:
        """The tables that it reads as streams."""
        return list(dict.fromkeys(self.node.streamed))

    @property
    def _whole(self) -> list[str]:
        """The tables that it reads whole."""
        streamed = set(self.sources) - set(self.node.snapshots)
        return [name for name in self._lakehouse.graph.stored_inputs(self.node.name) if name not in streamed]

    def source(self) -> DataFrame | None:
        """Return the query over streams, or None while no stream has a table."""
        if not any(map(self._exists, self.sources)):
            return None
        self._missing = {name for name in (*self.sources, *self._whole) if not self._exists(name)}
        self.record.begin({*self.sources, *self._whole})
        return StreamReader(self._lakehouse.graph, self.node, self._new_rows, self._all_rows).query()

    def _next_versions(self, batch_id: int) -> list[int]:
        """Return the same as for any flow; a table that is read by several streams is behind if one of them is."""
        offsets = self.position.offsets(batch_id)
        return [min(next_versions(self._of(name, offsets)), default=0) for name in self.sources]

    def _of(self, name: str, offsets: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the ends of a batch in one table; Spark keeps them in its own order."""
        table = self._lakehouse.table(name)
        return [offset for offset in offsets if table.exists and offset.get("reservoirId") == table.id]

    def _new_rows(self, name: str) -> DataFrame:
        first = self.position.offsets(0)
        return new_rows(
            self._lakehouse.spark,
            self._lakehouse.table(name),
            self.position,
            "skipChangeCommits",
            columns=self._lakehouse.graph.nodes[name].stored_schema,
            number=next((first.index(offset) for offset in self._of(name, first)), -1),
            most_files=_ALL_FILES,
        )

    def _all_rows(self, name: str) -> DataFrame:
        if not self._exists(name):
            return no_rows(self._lakehouse, name)
        # Delta itself looks the newest version up again for every batch.
        return self._lakehouse.spark.read.format("delta").load(str(self._lakehouse.table(name).path))

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Judge what the query gives for a batch, and bring the table and its quarantine up to date with it.

        Raises:
            ExpectationViolatedError: Rows violate a rule whose action is `fail`, or too many violate a rule.
        """
        table = self._lakehouse.table(self.node.name)
        is_new = table.committed_batch(batch.flow_id) < batch.batch_id
        witness = Witness(self.query.suite)
        judged = judge(rows, self.query.suite).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            # Spark's state moves on with this pass, also for a batch whose rows are written already.
            witness.observing(judged).write.format("noop").mode("overwrite").save()
            evidence = witness.evidence()
            if is_new:
                self.writing.stop_on_violations(evidence, self.writing.stopping)
                if self.node.dataset.quarantine:
                    self._as_left_out(judged).write.mode("overwrite").parquet(str(self._left_out(batch)))
            written = {self.node.name: self._write(table, self._as_good(judged), evidence.rows, batch)}
            reach(FaultPoint.BEFORE_QUARANTINE)
            if self.node.dataset.quarantine:
                written[self.node.dataset.quarantine] = self._write_left_out(batch)
        finally:
            judged.unpersist()
        return Progress(evidence.rows, written, evidence if self.query.suite.rules else None)

    def _write(self, table: Table, rows: DataFrame, at_most: int, batch: Batch) -> Written:
        """Bring a table up to date with rows that say whether they are for it, once for a batch."""
        if not at_most and self.output_mode != "complete" and table.exists:
            return Written()
        if self.output_mode == "update" and table.exists:
            return replace_keys(self._lakehouse.spark, table, SparkRows(rows), self._kept.keys, batch)
        passing = rows.where(KEPT).drop(KEPT)
        if self.output_mode == "complete":
            return table.replace(passing, batch)
        return table.append(SparkRows(passing, at_most), batch)

    def _write_left_out(self, batch: Batch) -> Written:
        quarantine = self._lakehouse.table(str(self.node.dataset.quarantine))
        folder = self._left_out(batch)
        if not folder.exists():
            # Both tables have the batch.
            return quarantine.written_by(batch)
        rows = self._lakehouse.spark.read.parquet(hadoop_path(folder))
        written = self._write(quarantine, rows, rows.count(), batch)
        shutil.rmtree(folder.parent)
        return written

    def _left_out(self, batch: Batch) -> Path:
        """Return the folder of the rows for the quarantine; it is there until the quarantine has them."""
        return self.position.checkpoint() / "left-out" / str(batch.batch_id)

    def _as_good(self, judged: DataFrame) -> DataFrame:
        """Return rows in the table's columns, and whether they are for it."""
        return self.query.good(judged.withColumn(KEPT, F.size(FAILED) == 0))

    def _as_left_out(self, judged: DataFrame) -> DataFrame:
        """Return rows in the quarantine's columns, and whether they are for it."""
        rejected = judged.select(
            *(column.alias(name) for name, column in self._rejected(judged).items()), (F.size(FAILED) > 0).alias(KEPT)
        )
        return rejected if self.output_mode == "update" else rejected.where(KEPT)

    def _rejected(self, judged: DataFrame) -> dict[str, Column]:
        """Return the quarantine's columns: those of the query, and the verdict."""
        return columns_as_made(judged, self.node.dataset, self._lakehouse.clock.now())

    def tables_without_record_id(self) -> list[str]:
        """Return those of its tables that single records cannot be taken out of; with state these are all."""
        if not self._lakehouse.has_state(self.node.name):
            return super().tables_without_record_id()
        return [name for name in self.targets if self._exists(name)]

    def take_out(self, rows: DataFrame, batch: Batch) -> dict[str, Written]:
        """Delete the rows that come from the same records; with state none does, it only has looked them up."""
        return {} if self._lakehouse.has_state(self.node.name) else super().take_out(rows, batch)
