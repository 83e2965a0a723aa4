"""What a batch of events does to the rows that a change table holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pyspark import StorageLevel
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.change_flow import END, OPERATION, SEQUENCE, START, TRUNCATE, UPSERT
from pipeline.delta.merge import KEPT, replace_keys
from pipeline.delta.ranges import FileRanges
from pipeline.delta.rows import SparkRows
from pipeline.flows.change_rows import rows_of
from pipeline.flows.journal import BATCH, may_hold_any, of_keys
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from pipeline.declare.changes import Changes
    from pipeline.delta.batch import Batch, Written
    from pipeline.delta.table import Table

# Whether a version was open and gets an end.
CLOSED = "__closed"
_IS_NEW, _HAS_NEW, _WAS_OPEN = "__is_new", "__has_new", "__was_open"


class Events(Protocol):
    """What is known of the events that a table is made of."""

    @property
    def changes(self) -> Changes:
        """What the events make of the table."""
        ...

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes."""
        ...

    @property
    def sequence_type(self) -> DataType:
        """The type of what orders them."""
        ...

    def truncates(self) -> DataFrame:
        """Return the events that delete all keys."""
        ...


@dataclass(frozen=True)
class ChangeMerge:
    """Computes the rows that replace others, and writes them.

    Attributes:
        journal: The events.
        table: The change table.
        few: Whether the batch has few events.
    """

    journal: Events
    table: Table
    few: bool

    @cached_property
    def row_keys(self) -> list[str]:
        """The columns that tell the table's rows apart."""
        changes = self.journal.changes
        return [*changes.keys, *([START] if changes.has_history else [])]

    def keys_of(self, rows: DataFrame) -> DataFrame:
        """Return the keys of rows, each once."""
        return rows.select(*self._keys).distinct()

    def write(self, events: DataFrame, whole_keys: DataFrame | None, batch: Batch) -> tuple[Written, int]:
        """Replace the rows of keys, once for a batch, and return what that did and how many versions it has closed.

        Args:
            events: Events of the keys.
            whole_keys: The keys all of whose events these are; None means none. The others continue the table's rows.
            batch: The key of the commit.
        """
        if not self.table.exists or not self.table.row_count():
            return self.table.append(SparkRows(self.rows(events)), batch), 0
        merged = self.replaced(events, whole_keys).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            counts = merged.agg(F.count(F.lit(1)), F.count_if(CLOSED)).first()
            assert counts is not None
            rows = SparkRows(merged.drop(CLOSED), counts[0])
            return replace_keys(self.journal.spark, self.table, rows, self.row_keys, batch), counts[1]
        finally:
            merged.unpersist()

    def counted(self, events: DataFrame, batch: Batch) -> dict[str, int]:
        """Return how many events of a batch are late, and how many change nothing.

        Late are those that are not newer than all that came before. The table ignores an event whose key has another
        one with the same sequence, and with scd_type 1 a late event, unless NULLs leave values as they were.
        """
        keys, changes = self._keys, self.journal.changes
        is_own = F.col(BATCH) == batch.batch_id
        earlier = F.max(F.when(~is_own, F.col(SEQUENCE))).over(Window.partitionBy(*keys))
        number = F.row_number().over(Window.partitionBy(*keys, SEQUENCE).orderBy(BATCH))
        rows = events.select("*", earlier.alias("__earlier"), number.alias("__number"))
        is_late = is_own & (F.col(SEQUENCE) <= F.col("__earlier"))
        is_repeated = is_own & (F.col("__number") > 1)
        is_ignored = is_repeated if changes.has_history or changes.ignores_null else is_repeated | is_late
        counts = rows.agg(F.count_if(is_late), F.count_if(is_ignored)).first()
        assert counts is not None
        return {"num_late_rows": counts[0], "num_ignored_rows": counts[1]}

    def rows(self, events: DataFrame) -> DataFrame:
        """Return the rows that events make by themselves."""
        changes = self.journal.changes
        if changes.can_truncate:
            kept = events.where(F.col(OPERATION) != TRUNCATE)
            events = kept.unionByName(self.journal.truncates(), allowMissingColumns=True)
        return rows_of(events, changes)

    def replaced(self, events: DataFrame, whole_keys: DataFrame | None) -> DataFrame:
        """Return the rows that keys get, with `KEPT`, false for those that they lose, and `CLOSED`.

        Args:
            events: Events of the keys.
            whole_keys: The keys all of whose events these are. The others continue the table's rows.
        """
        changes = self.journal.changes
        about = self.keys_of(events.where(F.col(OPERATION) != TRUNCATE))
        about = about if whole_keys is None else about.unionByName(whole_keys).distinct()
        continues = changes.has_history or changes.ignores_null
        held = self._held(about, whole_keys) if continues else None
        if held is not None:
            continued = held if whole_keys is None else of_keys(held, whole_keys, changes.keys, "left_anti")
            events = events.unionByName(self._as_events(continued), allowMissingColumns=True)
        fresh = self.rows(events)
        former = held if changes.has_history and held is not None else about
        both = fresh.withColumn(_IS_NEW, F.lit(True)).unionByName(
            former.withColumn(_IS_NEW, F.lit(False)), allowMissingColumns=True
        )
        same_row = Window.partitionBy(*(F.col(quoted(key)) for key in self.row_keys))
        is_open = ~F.col(_IS_NEW) & F.col(END).isNull() if changes.has_history else F.lit(False)
        both = both.withColumn(_HAS_NEW, F.max(_IS_NEW).over(same_row)).withColumn(
            _WAS_OPEN, F.max(is_open).over(same_row)
        )
        closed = F.col(_WAS_OPEN) & F.col(END).isNotNull() if changes.has_history else F.lit(False)
        return both.where(F.col(_IS_NEW) | ~F.col(_HAS_NEW)).select(
            *(F.col(quoted(name)) for name in fresh.columns), F.col(_IS_NEW).alias(KEPT), closed.alias(CLOSED)
        )

    def _held(self, about: DataFrame, whole_keys: DataFrame | None) -> DataFrame:
        """Return the rows that the table holds of some keys; with a history all of whole keys, of the others the open.

        Only files are read that may hold such keys.
        """
        keys = self.journal.changes.keys
        files = FileRanges.opened(self.table.path, keys)
        some = files.files
        if self.few and whole_keys is None:
            wanted = about.toArrow()
            some = tuple(file for file in some if may_hold_any(file, wanted, keys))
        rows = files.read(self.journal.spark, some)
        held = of_keys(rows, about, keys)
        if not self.journal.changes.has_history:
            return held
        still_open = F.col(END).isNull()
        if whole_keys is None:
            return held.where(still_open)
        others = of_keys(held, whole_keys, keys, "left_anti").where(still_open)
        return of_keys(held, whole_keys, keys).unionByName(others)

    def _as_events(self, rows: DataFrame) -> DataFrame:
        """Return rows of the table as events that stand for all that made them."""
        changes = self.journal.changes
        kind = self.journal.sequence_type
        began = F.col(START) if changes.has_history else F.lit(None).cast(kind)
        return rows.select(
            *(F.col(quoted(name)) for name in changes.data_columns(rows.columns)),
            began.alias(SEQUENCE),
            F.lit(UPSERT).cast("tinyint").alias(OPERATION),
        )

    @property
    def _keys(self) -> list[Column]:
        return [F.col(quoted(key)) for key in self.journal.changes.keys]


def facts(written: Written, closed: int) -> dict[str, int]:
    """Return what a commit did to the rows of a change table, for the event log."""
    return {
        "num_upserted_rows": written.rows - closed,
        "num_removed_rows": written.deleted_rows - written.updated_rows,
        "num_closed_rows": closed,
    }
