"""The flow that keeps a materialized view equal to its query."""

from __future__ import annotations

from datetime import UTC
from functools import cached_property, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.batch import Batch, Written
from pipeline.delta.merge import KEPT, replace_keys
from pipeline.delta.rows import SparkRows
from pipeline.flows.batch_query import BatchReader
from pipeline.flows.computed_query import ComputedQuery
from pipeline.flows.flow import Flow, Progress, from_micros
from pipeline.flows.stretches import by_utc, stretches, within_stretches
from pipeline.flows.upstream import has_few_rows, new_rows, without_values
from pipeline.flows.whole_table import held_rows
from pipeline.foundation.errors import AuthorError
from pipeline.foundation.sql_names import quoted
from pipeline.plans.plan import columns_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import Column

    from pipeline.declare.graph import Node
    from pipeline.delta.reading import Times
    from pipeline.flows.open import Lakehouse
    from pipeline.flows.stretches import Stretch


class ViewFlow(Flow):
    """Recomputes the keys that new rows touch where its plan proves that right, and the whole view otherwise.

    What it writes depends on the source as it stands, not on the batch: a batch that is run again changes
    nothing, and rows that arrive late correct the window they belong to.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        super().__init__(lakehouse, node)
        self._sources = lakehouse.graph.stored_inputs(node.name)
        self._kept = lakehouse.views[node.name]
        self._is_computed = False

    @property
    def sources(self) -> list[str]:
        """The tables that its query reads."""
        return self._sources

    def source(self) -> DataFrame | None:
        """Return the stream of rows that are new in the view's sources, or None while none of them has a table.

        A view that is recomputed whole learns from it only that something has changed, in any of them.
        """
        self._missing = {name for name in self.sources if not self._exists(name)}
        if len(self._missing) == len(self.sources):
            return None
        if self._kept.keys:
            assert self.node.frame is not None
            return without_values(self._new_rows(0, "skipChangeCommits"), columns_read(self.node.frame))
        changes = (self._new_rows(number, "ignoreChanges") for number in range(len(self.sources)))
        return reduce(DataFrame.union, (rows.select(F.lit(1).alias("change")) for rows in changes))

    def _new_rows(self, number: int, option: str) -> DataFrame:
        name = self.sources[number]
        table, columns = self._lakehouse.table(name), self._lakehouse.graph.nodes[name].stored_schema
        return new_rows(self._lakehouse.spark, table, self.position, option, columns=columns, number=number)

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        """Bring the view up to date with a batch of new source rows."""
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            return Progress(0, {self.node.name: self.table.written_by(batch)})
        if not self._kept.keys or (self.table.exists and not self._computed_query.is_current()):
            return self._recompute_whole(rows.count(), batch)
        if has_few_rows(self._lakehouse.table(self._sources[0]), self.position, batch.batch_id):
            # To count rows in one place needs no exchange.
            rows = rows.coalesce(1)
        # A view that filters its groups may be empty for long, and is then merged into like any other.
        is_new = not self._kept.filters_groups or batch.batch_id == 0
        if not self.table.exists or (is_new and self.table.row_count() == 0):
            return self._begin(self._grouped_rows(rows).count(), batch)
        return self._brought_up_to_date(rows, batch)

    def _grouped_rows(self, rows: DataFrame) -> DataFrame:
        """Return the rows that belong to a group."""
        window = self._kept.window
        return rows if window is None else rows.where(window.time().isNotNull())

    def _brought_up_to_date(self, rows: DataFrame, batch: Batch) -> Progress:
        """Recompute the groups of new rows."""
        window = self._kept.window
        assert window is not None
        grouped = rows.groupBy(F.unix_micros(window.built()["start"]).alias("start")).agg(
            F.count(F.lit(1)).alias("rows")
        )
        counts = {from_micros(row["start"]): row["rows"] for row in grouped.collect()}
        if not counts:
            return Progress(0, {self.node.name: Written()})
        late = self._late_rows(counts)
        written = self._merge(rows, sum(counts.values()), stretches(list(counts), window.width), batch)
        return Progress(sum(counts.values()), {self.node.name: written}, facts=late)

    def _begin(self, rows_in: int, batch: Batch) -> Progress:
        """Compute a view that has no rows yet from all of its source."""
        if not rows_in and self.table.exists:
            return Progress(0, {self.node.name: Written()})
        source = self._source_rows()
        computed = SparkRows(self._query(source.rows), source.at_most)
        written = self.table.append(computed, batch)
        self._computed_query.record()
        return Progress(rows_in, {self.node.name: written})

    def due_batch(self, update_id: str) -> Batch | None:
        """Return the batch for a view that changes by itself, has no source or another query, unless computed."""
        is_steady = self._kept.is_deterministic and not self.node.outside
        is_begun = self.table.exists or not self._sources
        is_current = is_steady and (not is_begun or (self.table.exists and self._computed_query.is_current()))
        if is_current or self._is_computed:
            return None
        flow_id = self._due_id()
        return Batch(update_id, self.node.name, flow_id, self.table.committed_batch(flow_id) + 1)

    def _due_id(self) -> str:
        """Return an identity of its own: the batches of the flow's query are numbered by their checkpoint."""
        return f"{self.position.flow_id()}/every-update"

    def tables_without_record_id(self) -> list[str]:
        """Return no table: a view is recomputed rather than corrected row by row."""
        return []

    def take_out(self, rows: DataFrame, batch: Batch) -> dict[str, Written]:
        """Delete nothing: `recompute` brings the view up to date."""
        del rows, batch
        return {}

    def recompute(self, batch: Batch) -> Progress:
        """Compute the view anew from all rows of its source, once for a batch."""
        return Progress(0, {self.node.name: self._replaced(batch)})

    def _source_rows(self, times: Times | None = None) -> SparkRows:
        """Return the source's rows, with their number if they are few; those outside some times may be left out."""
        return held_rows(self._lakehouse, self._sources[0], times)

    def _query(self, source: DataFrame | None) -> DataFrame:
        return BatchReader(self._lakehouse, self.node, next(iter(self._sources), None), source).query()

    def _merge(self, rows: DataFrame, count: int, touched: list[Stretch], batch: Batch) -> Written:
        """Recompute the keys of the touched windows and put them in the place of what the view has for them."""
        window = self._kept.window
        assert window is not None
        keys = list(self._kept.keys)
        source = self._source_rows((window.column, by_utc(touched, window)))
        recomputed = self._query(source.rows.where(within_stretches(window.time(), touched)))
        # The keys are those of the source's rows, and at most those that the view has and those of the new rows.
        at_most = source.at_most if source.at_most is not None else self.table.row_count() + count
        # In the view's column of starts or ends.
        held = [(first + window.width * window.is_end, last + window.width * window.is_end) for first, last in touched]
        if self._kept.filters_groups:
            recomputed = self._with_gone(recomputed, (window.name, held))
            at_most += self.table.row_count()
        elif len(keys) > 1 and at_most > self._lakehouse.limits.few_rows:
            # Few keys are compared all of them: those that the new rows do not touch come out as they were.
            wanted = self._query(rows).select(*map(quoted, keys)).distinct()
            recomputed = recomputed.join(F.broadcast(wanted), on=same_keys(recomputed, wanted, keys), how="left_semi")
            at_most = count
        fresh = SparkRows(recomputed, at_most)
        within = (window.name, held[0][0], held[-1][1])
        return replace_keys(self._lakehouse.spark, self.table, fresh, keys, batch, within)

    def _with_gone(self, recomputed: DataFrame, times: Times) -> DataFrame:
        """Return groups together with those that the view has at the same times and that are gone, marked as such."""
        held = self.table.held(self._lakehouse.spark, times).rows.where(
            within_stretches(F.col(quoted(times[0])), times[1])
        )
        gone = held.join(recomputed, on=same_keys(held, recomputed, list(self._kept.keys)), how="left_anti")
        return recomputed.withColumn(KEPT, F.lit(True)).unionByName(gone.withColumn(KEPT, F.lit(False)))

    def _late_rows(self, counts: dict[datetime, int]) -> dict[str, object]:
        """Return how many rows belong to windows before the newest that the view had, and how late at most."""
        window = self._kept.window
        assert window is not None
        limit = self.table.greatest(window.name)
        if limit is None:
            return {}
        # Where the source's moments have no zone, they are meant as UTC, as everywhere.
        limit = limit.replace(tzinfo=UTC) - window.width * window.is_end
        late = {start: rows for start, rows in counts.items() if start < limit}
        if not late:
            return {"num_late_rows": 0}
        return {"num_late_rows": sum(late.values()), "latest_by_seconds": (limit - min(late)).total_seconds()}

    def _recompute_whole(self, rows_in: int, batch: Batch) -> Progress:
        return Progress(rows_in, {self.node.name: self._replaced(batch)})

    def _whole(self) -> DataFrame:
        """Return the result of the view's query over all rows of its sources."""
        return self._query(self._source_rows().rows if self._sources else None)

    def _replaced(self, batch: Batch) -> Written:
        written = self.table.replace(self._whole(), batch)
        self._note_computed()
        return written

    def _note_computed(self) -> None:
        """Remember the query that the whole view was computed with, and that this update has done it."""
        self._computed_query.record()
        self._is_computed = True

    @cached_property
    def _computed_query(self) -> ComputedQuery:
        assert self.node.frame is not None
        return ComputedQuery(self.position.folder, self.node.frame, self._sources)

    def _check_checkpoint(self) -> None:
        self.position.check(self.table, self._due_id())
        former = self._computed_query.former_sources()
        if self.position.planned_batch() >= 0 and former is not None and former != self._sources:
            before, now = (", ".join(f"`{name}`" for name in names) for names in (former, self._sources))
            problem = f"{self.node.dataset.location}: `{self.node.name}` reads {now}; it has read {before} so far."
            raise AuthorError(problem, f"Run `python -m pipeline run --full-refresh {self.node.name}`.")


def same_keys(left: DataFrame, right: DataFrame, keys: Sequence[str]) -> Column:
    """Return the condition that two rows have the same keys; NULL is equal to NULL."""
    condition = F.lit(True)
    for key in keys:
        condition = condition & left[quoted(key)].eqNullSafe(right[quoted(key)])
    return condition
