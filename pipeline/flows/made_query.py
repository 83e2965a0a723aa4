"""A query whose declaration has rules of its own: they judge what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.batch_query import BatchReader
from pipeline.flows.judged_query import JudgedQuery, columns_as_made
from pipeline.quality.judge import FAILED
from pipeline.quality.rules import Suite

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.declare.graph import Node
    from pipeline.delta.table import Table
    from pipeline.flows.open import Lakehouse


class MadeQuery(JudgedQuery):
    """Computes what a table and its quarantine get, where the quarantine has rows as the query made them."""

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        self.lakehouse = lakehouse
        self.node = node
        self.upstream = next(iter(lakehouse.graph.stored_inputs(node.name)), "")
        self.suite = lakehouse.suites.get(node.name) or Suite(node.name, (), ())

    @property
    def is_numbered(self) -> bool:
        """No: rows have no identity besides their values."""
        return False

    def rejected_columns(self, judged: DataFrame) -> dict[str, Column]:
        """Return the quarantine's columns: those of the query, and the verdict."""
        return columns_as_made(judged, self.node.dataset, self.lakehouse.clock.now())

    def missing_in(self, table: Table, judged: DataFrame) -> DataFrame:
        """Return the rows of a batch that violate a drop rule."""
        del table  # its rows have no identity to compare
        return judged.where(F.size(FAILED) > 0)

    def _computed(self, rows: DataFrame) -> DataFrame:
        return BatchReader(self.lakehouse, self.node, self.upstream or None, rows).query()
