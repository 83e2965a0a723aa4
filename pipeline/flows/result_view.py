"""The flow of a materialized view that new rows and its own stored results keep up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.delta.batch import Written
from pipeline.delta.merge import replace_keys
from pipeline.delta.rows import SparkRows
from pipeline.flows.flow import Progress
from pipeline.flows.view import ViewFlow, same_keys
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from pipeline.delta.batch import Batch
    from pipeline.plans.results import StoredResult

_IS_HELD = "__is_held"


class ResultViewFlow(ViewFlow):
    """Compares each group's new rows with what the view holds for it; the source's older rows are not read.

    A batch that is run again changes nothing, because the greatest of values does not depend on how often each counts.
    """

    def _brought_up_to_date(self, rows: DataFrame, batch: Batch) -> Progress:
        """Replace the groups whose new rows are beyond what the view has."""
        count = rows.count()
        if not count:
            return Progress(0, {self.node.name: Written()})
        spark, keys = self._lakehouse.spark, list(self._kept.keys)
        combined = with_held(self._query(rows), self.table.held(spark).rows, keys, self._kept.results)
        written = replace_keys(spark, self.table, SparkRows(combined, count), keys, batch)
        return Progress(count, {self.node.name: written})


def with_held(fresh: DataFrame, held: DataFrame, keys: Sequence[str], results: Sequence[StoredResult]) -> DataFrame:
    """Return the rows of `fresh`, each with the results of new rows and of those that are held together.

    Args:
        fresh: The view's query over new rows alone: one row for each of their groups.
        held: What the view has: one row for each of its groups, with the same columns in any order.
        keys: The columns that tell groups apart; NULL is equal to NULL.
        results: What is the greatest or the least of its group.
    """
    held = held.withColumn(_IS_HELD, F.lit(True))
    joined = fresh.join(held, same_keys(fresh, held, keys), "left")
    columns = {name: fresh[quoted(name)] for name in fresh.columns}
    for result in results:
        best = _best(fresh, held, result)
        fields = [best.getField(str(at)) for at in range(len(result.columns))] if result.is_struct else [best]
        columns |= dict(zip(result.columns, fields, strict=True))
    return joined.select(*(column.alias(name) for name, column in columns.items()))


def _best(fresh: DataFrame, held: DataFrame, result: StoredResult) -> Column:
    """Return the greater or the lesser one of two results; NULL where neither has a value."""

    def of(frame: DataFrame) -> Column:
        columns = [frame[quoted(name)].alias(str(at)) for at, name in enumerate(result.columns)]
        return F.struct(*columns) if result.is_struct else columns[0]

    stored = F.when(held[_IS_HELD], of(held))
    return F.greatest(of(fresh), stored) if result.is_greatest else F.least(of(fresh), stored)
