"""A streaming table's query over some of its source's rows, each row of the result judged."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.batch_query import BatchReader
from pipeline.flows.flow import moment
from pipeline.flows.numbering import keys_of, matching, numbered, numbering_in
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.identity import RECORD_ID, RECORD_ROW
from pipeline.foundation.sql_names import quoted
from pipeline.quality.judge import FAILED, WARNED, judge, without_verdicts
from pipeline.quality.rules import Suite

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from pipeline.declare.dataset import Dataset
    from pipeline.declare.graph import Node, NumberedBy
    from pipeline.delta.table import Table
    from pipeline.flows.open import Lakehouse

# The source's row is carried beside the query's columns until the rejected rows are split off.
_SOURCE_ROW = "__source_row"
# Since when a record is in the quarantine, for one whose rows are made anew.
SINCE = "__quarantined_at"
VERDICT = ("failed_expectations", "quarantined_at")


def columns_as_made(judged: DataFrame, dataset: Dataset, now: datetime) -> dict[str, Column]:
    """Return the columns of a quarantine that has rows as the query made them, and the verdict.

    Args:
        judged: The judged rows.
        dataset: The quarantine's table.
        now: When they are rejected.
    """
    made = without_verdicts(judged).drop(*VERDICT, *dataset.expectation_columns).columns
    verdict = (F.col(FAILED), F.expr(moment(now)))
    return {**{name: F.col(quoted(name)) for name in made}, **dict(zip(VERDICT, verdict, strict=True))}


class JudgedQuery:
    """Computes what a streaming table and its quarantine get.

    Attributes:
        lakehouse: The pipeline.
        node: The table.
        upstream: The table that it reads as a stream.
        suite: Its rules.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        self.lakehouse = lakehouse
        self.node = node
        self.upstream = lakehouse.graph.stored_inputs(node.name)[0]
        self.suite = lakehouse.suites.get(node.name) or Suite(node.name, (), ())

    @property
    def is_numbered(self) -> bool:
        """Whether the query makes several rows of a record, or made them earlier, and `record_row` numbers them."""
        return self._numbered_by in {"order", "values"}

    @cached_property
    def _numbered_by(self) -> NumberedBy | None:
        table, source = (self.lakehouse.table(name).opened() for name in (self.node.name, self.upstream))
        return numbering_in(table, self.node, source.columns)

    def judged(self, rows: DataFrame) -> DataFrame:
        """Return what the query makes of rows, with the verdicts on each."""
        return judge(self._computed(rows), self.suite)

    def good(self, judged: DataFrame) -> DataFrame:
        """Return rows in the table's columns."""
        if self.node.dataset.expectations:
            judged = judged.withColumn("warnings", F.col(WARNED))
        return without_verdicts(judged).drop(_SOURCE_ROW, *self.node.dataset.expectation_columns)

    def rejected(self, judged: DataFrame) -> DataFrame:
        """Return rows in the quarantine's columns."""
        return judged.select(*(column.alias(name) for name, column in self.rejected_columns(judged).items()))

    def rejected_columns(self, judged: DataFrame) -> dict[str, Column]:
        """Return the quarantine's columns of rejected rows: those of the source's row, and the verdict."""
        since = F.expr(moment(self.lakehouse.clock.now()))
        columns: dict[str, Column] = {}
        for name in judged.select(f"{_SOURCE_ROW}.*").columns:
            value = F.col(_SOURCE_ROW)[name]
            if name == SINCE:
                since = value
            # A sender's key may have the name of a verdict's column; the value sent is still in the source.
            elif name not in VERDICT:
                columns[name] = value
            if name == RECORD_ID and self.is_numbered:
                columns[RECORD_ROW] = F.col(RECORD_ROW)
        return {**columns, **dict(zip(VERDICT, (F.col(FAILED), since), strict=True))}

    def as_source(self, rejected: DataFrame) -> DataFrame:
        """Return rows of the quarantine as the source has them, with its columns of now, each of its rows once."""
        source = self.lakehouse.table(self.upstream).read(self.lakehouse.spark).schema
        kept, missing = set(rejected.columns) - set(VERDICT), F.lit(None)
        rows = rejected.select(
            *(
                F.col(quoted(field.name)) if field.name in kept else missing.cast(field.dataType).alias(field.name)
                for field in source.fields
            ),
            F.col(VERDICT[1]).alias(SINCE),
        )
        return rows.dropDuplicates([RECORD_ID]) if self.is_numbered else rows

    def missing_in(self, table: Table, judged: DataFrame) -> DataFrame:
        """Return the rows of a batch that its commit lacks; the rules may have changed since."""
        held = table.read(self.lakehouse.spark)
        keys = [key for key in keys_of(judged) if key in held.columns]
        if not keys or self.unnumbered_source() is not None:
            return judged.where(F.size(FAILED) > 0)
        return matching(judged, held.select(*keys), keys, "left_anti")

    def unnumbered_source(self) -> str | None:
        """Return the table upstream that was filled with several rows of a record without numbers, or None."""
        node = self.node
        while node.streams:
            node = self.lakehouse.graph.nodes[self.lakehouse.graph.stored_inputs(node.name)[0]]
            stored = self.lakehouse.table(node.name).opened()
            if node.numbered_by is not None and stored.row_count and RECORD_ROW not in stored.columns:
                return node.name
        return None

    def _computed(self, rows: DataFrame) -> DataFrame:
        quarantine = self.node.dataset.quarantine
        if quarantine:
            rows = rows.withColumn(_SOURCE_ROW, F.struct("*")).drop(SINCE)
        result = numbered(BatchReader(self.lakehouse, self.node, self.upstream, rows).query(), self._numbered_by)
        if quarantine and _SOURCE_ROW not in result.columns:
            keys = keys_of(rows)
            if not keys or not set(keys) <= set(result.columns):
                problem = f"{self.node.dataset.location}: the query of `{self.node.name}` leaves out `{RECORD_ID}`."
                raise AuthorError(problem, f"A table with a quarantine keeps `{RECORD_ID}` and `{RECORD_ROW}`.")
            result = matching(result, rows.select(*keys, _SOURCE_ROW), keys, "left")
        return result
