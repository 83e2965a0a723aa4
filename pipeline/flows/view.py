"""The flow that keeps a materialized view equal to its query."""

from __future__ import annotations

from datetime import UTC
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.arrow import FEW_ROWS
from pipeline.batch import Batch, Written
from pipeline.flows.flow import Progress, from_micros, moment
from pipeline.flows.position import Position
from pipeline.flows.reader import BatchReader
from pipeline.flows.stream import stored_sources
from pipeline.flows.upstream import are_few, new_rows
from pipeline.merge import merge_keys

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pyspark.sql import Column

    from pipeline.arrow import Times
    from pipeline.dataset import TimeWindow
    from pipeline.flows.flow import Lakehouse
    from pipeline.graph import Node
    from pipeline.tables import Table

# So many separate stretches of time are looked up by themselves; more are joined across the smallest gaps.
_MOST_STRETCHES = 32

Stretch = tuple["datetime", "datetime"]


class ViewFlow:
    """Recomputes the keys that new rows touch; a view without keys or windows is recomputed whole.

    What it writes depends on the source as it stands, not on the batch: a batch that is run again changes
    nothing, and rows that arrive late correct the window they belong to.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node) -> None:
        self.node = node
        self._lakehouse = lakehouse
        self._sources = stored_sources(lakehouse, node)
        self._upstream = self._sources[0]
        self.position = Position(lakehouse.state("checkpoints", node.name))

    @property
    def targets(self) -> list[str]:
        """The view."""
        return [self.node.name]

    @property
    def sources(self) -> list[str]:
        """The tables that its query reads."""
        return self._sources

    @property
    def table(self) -> Table:
        """The view's stored rows."""
        return self._lakehouse.table(self.node.name)

    def source(self) -> DataFrame | None:
        """Return the stream of rows that are new in the view's sources, or None while one has no table yet.

        A view that is recomputed whole learns from it only that something has changed, in any of them.
        """
        tables = [self._lakehouse.table(name) for name in self.sources]
        if not all(table.exists for table in tables):
            return None
        spark = self._lakehouse.spark
        if self.node.dataset.time_window is not None:
            return new_rows(spark, tables[0], self.position, "skipChangeCommits")
        changes = [
            new_rows(spark, table, self.position, "ignoreChanges", number=number).select(F.lit(1).alias("change"))
            for number, table in enumerate(tables)
        ]
        return reduce(DataFrame.union, changes)

    def process(self, rows: DataFrame, batch: Batch) -> Progress:
        """Bring the view up to date with a batch of new source rows."""
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            return Progress(0, {self.node.name: self.table.written_by(batch)})
        window = self.node.dataset.time_window
        if window is None:
            return self._recompute_whole(rows.count(), batch)
        if are_few(self._lakehouse.table(self._upstream), self.position, batch.batch_id):
            # To count rows in one place needs no exchange.
            rows = rows.coalesce(1)
        if not self.table.exists or self.table.row_count() == 0:
            return self._begin(rows.where(F.col(window.column).isNotNull()).count(), batch)
        grouped = rows.groupBy(_window_start(window)).agg(F.count(F.lit(1)).alias("rows"))
        counts = {from_micros(row["window_start"]): row["rows"] for row in grouped.collect()}
        if not counts:
            return Progress(0, {self.node.name: Written()})
        late = self._late_rows(counts)
        written = self._merge(rows, sum(counts.values()), stretches(list(counts), window.length), batch)
        return Progress(sum(counts.values()), {self.node.name: written}, facts=late)

    def _begin(self, rows_in: int, batch: Batch) -> Progress:
        """Compute a view that has no rows yet from all of its source."""
        if not rows_in:
            return Progress(0, {self.node.name: Written()})
        source, few = self._source_rows()
        return Progress(rows_in, {self.node.name: self.table.append(self._query(source), batch, few=few)})

    def recompute(self, batch: Batch) -> Progress:
        """Compute the view anew from all rows of its source, once for a batch."""
        return Progress(0, {self.node.name: self._replaced(batch)})

    def begin_anew(self, flow_id: str) -> None:
        """Take a new identity, so that the view is computed anew from all rows of its source."""
        self.position.renew(flow_id)

    def _source_rows(self, times: Times | None = None) -> tuple[DataFrame, bool]:
        """Return the source's rows, those outside some times perhaps left out, and whether they are few."""
        table, spark = self._lakehouse.table(self._upstream), self._lakehouse.spark
        few = table.read_few(spark, times)
        return (table.read(spark, times), False) if few is None else (few, True)

    def _query(self, source: DataFrame) -> DataFrame:
        return BatchReader(self._lakehouse, self.node, self._upstream, source).query()

    def _merge(self, rows: DataFrame, count: int, touched: list[Stretch], batch: Batch) -> Written:
        """Recompute the keys of the touched windows and put them in the place of what the view has for them."""
        window = self.node.dataset.time_window
        assert window is not None
        keys = [*self.node.dataset.keys, "window_start"]
        source, few = self._source_rows((window.column, touched))
        recomputed = self._query(source.where(_within(F.col(window.column), touched)))
        few_keys = few or self.table.row_count() + count <= FEW_ROWS
        if self.node.dataset.keys and not few_keys:
            # Few keys are compared all of them: those that the new rows do not touch come out as they were.
            wanted = self._query(rows).select(*keys).distinct()
            recomputed = recomputed.join(F.broadcast(wanted), on=_same(recomputed, wanted, keys), how="left_semi")
        windows = touched[0][0], touched[-1][1]
        few_results = few_keys or count <= FEW_ROWS
        return merge_keys(self._lakehouse.spark, self.table, recomputed, keys, windows, batch, few=few_results)

    def _late_rows(self, counts: dict[datetime, int]) -> dict[str, object]:
        """Return how many rows belong to windows before the newest that the view had, and how late at most."""
        limit = self.table.greatest("window_start")
        if limit is None:
            return {}
        # Where the source's moments have no zone, they are meant as UTC, as everywhere.
        limit = limit.replace(tzinfo=UTC)
        late = {start: rows for start, rows in counts.items() if start < limit}
        if not late:
            return {"num_late_rows": 0}
        return {"num_late_rows": sum(late.values()), "latest_by_seconds": (limit - min(late)).total_seconds()}

    def _recompute_whole(self, rows_in: int, batch: Batch) -> Progress:
        return Progress(rows_in, {self.node.name: self._replaced(batch)})

    def _replaced(self, batch: Batch) -> Written:
        source, _ = self._source_rows()
        return self.table.replace(self._query(source), batch)


def stretches(starts: list[datetime], length: timedelta, most: int = _MOST_STRETCHES) -> list[Stretch]:
    """Return the time that windows cover as few stretches `[from, to)`, in order.

    Adjacent windows are joined; if more than `most` stretches remain, the smallest gaps are taken in.
    """
    joined: list[Stretch] = []
    for start in sorted(starts):
        if joined and joined[-1][1] >= start:
            joined[-1] = (joined[-1][0], max(joined[-1][1], start + length))
        else:
            joined.append((start, start + length))
    while len(joined) > most:
        gap = min(range(1, len(joined)), key=lambda index: joined[index][0] - joined[index - 1][1])
        joined[gap - 1 : gap + 1] = [(joined[gap - 1][0], joined[gap][1])]
    return joined


def _window_start(window: TimeWindow) -> Column:
    length = f"{int(window.length.total_seconds())} seconds"
    return F.unix_micros(F.window(window.column, length)["start"]).alias("window_start")


def _within(column: Column, touched: list[Stretch]) -> Column:
    condition = F.lit(False)
    for first, last in touched:
        condition = condition | ((column >= F.expr(moment(first))) & (column < F.expr(moment(last))))
    return condition


def _same(left: DataFrame, right: DataFrame, keys: list[str]) -> Column:
    condition = F.lit(True)
    for key in keys:
        condition = condition & left[key].eqNullSafe(right[key])
    return condition
