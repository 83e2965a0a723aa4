"""The journal of a change table: every event of every key, for events that come later than newer ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.change_flow import FIRST, OPERATION, SEQUENCE, TRUNCATE
from pipeline.delta.ranges import FileRanges
from pipeline.delta.rows import Held, SparkRows
from pipeline.foundation.errors import DataError
from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from pipeline.declare.changes import Changes
    from pipeline.delta.batch import Batch
    from pipeline.delta.ranges import FileRange
    from pipeline.delta.table import Table

# The batch that brought an event.
BATCH = "__batch"


class UnorderedChangesError(DataError):
    """Changes have no key or no sequence, so nobody can say what they change; their batch was not written."""

    def __init__(self, table: str, keys: Sequence[str], without_key: int, without_sequence: int, source: str) -> None:
        self.table, self.without_key, self.without_sequence = table, without_key, without_sequence
        named = ", ".join(f"`{key}`" for key in keys)
        found = [f"{without_key:,} with NULL in {named}"] if without_key else []
        found += [f"{without_sequence:,} with NULL in `sequence_by`"] if without_sequence else []
        super().__init__(
            f"`{table}` stops: of its changes, {' and '.join(found)}; nothing of their batch was written.",
            f"Drop such rows with an expectation on `{source}`, or correct them there and run a full refresh of it.",
        )


@dataclass(frozen=True)
class Journal:
    """The events of one change table.

    Attributes:
        table: Where they are kept.
        changes: What the table is made of.
        name: The change table.
        spark: The session that reads and writes.
    """

    table: Table
    changes: Changes
    name: str
    spark: SparkSession

    def taken(self, events: DataFrame, batch: Batch, *, few: bool) -> DataFrame:
        """Keep the events of a batch, once, and return them.

        A batch that is there already comes from the journal, so it is the same whatever its source says by now.

        Raises:
            UnorderedChangesError: Events have NULL in a key or in what orders them; nothing was written.
        """
        if self.table.committed_batch(batch.flow_id) >= batch.batch_id:
            return self.of(batch)
        marked = events.withColumn(BATCH, F.lit(batch.batch_id).cast("bigint"))
        checked = marked.select("*", self._lacks_key().alias("__1"), self._lacks_sequence(events).alias("__2"))
        if few:
            found = checked.toArrow()
            self._check(*(pc.sum(found[name].cast("int64")).as_py() or 0 for name in ("__1", "__2")))
            held = Held.of(found.drop_columns(["__1", "__2"]), self.spark, marked.schema)
            self.table.append(held, batch)
            # In the journal's columns, which may be more.
            return self._files().read(self.spark, []).unionByName(held.frame(), allowMissingColumns=True)
        counts = checked.agg(F.count_if("__1"), F.count_if("__2")).first()
        assert counts is not None
        self._check(*counts)
        self.table.append(SparkRows(marked), batch)
        return self.of(batch)

    def of(self, batch: Batch) -> DataFrame:
        """Return the events of a batch."""
        files, number = self._files(), batch.batch_id
        bounds = [(file, file.bounds.get(BATCH, (number, number))) for file in files.files]
        some = [file for file, (least, greatest) in bounds if least <= number <= greatest]
        return files.read(self.spark, some).where(F.col(BATCH) == number)

    def everything(self) -> DataFrame:
        """Return all events."""
        return self._files().read(self.spark)

    def truncates(self) -> DataFrame:
        """Return the events that delete all keys."""
        files = self._files()
        # A file without bounds may have such events.
        some = [file for file in files.files if file.bounds.get(OPERATION, (0, TRUNCATE))[1] == TRUNCATE]
        return files.read(self.spark, some).where(F.col(OPERATION) == TRUNCATE)

    def row_count(self, batch: Batch) -> int:
        """Return how many events a batch had."""
        return self.table.written_by(batch).rows

    @property
    def sequence_type(self) -> DataType:
        """The type of what orders events."""
        return self._files().read(self.spark, []).schema[SEQUENCE].dataType

    def _lacks_key(self) -> Column:
        missing = F.lit(False)
        for key in self.changes.keys:
            missing = missing | F.col(quoted(key)).isNull()
        return missing & (F.col(OPERATION) != TRUNCATE)

    def _lacks_sequence(self, events: DataFrame) -> Column:
        return F.col(SEQUENCE).isNull() | (F.col(FIRST).isNull() if FIRST in events.columns else F.lit(False))

    def _check(self, without_key: int, without_sequence: int) -> None:
        if without_key or without_sequence:
            source = self.changes.flows[0].source
            raise UnorderedChangesError(self.name, self.changes.keys, without_key, without_sequence, source)

    def of_overtaken_keys(self, events: DataFrame, batch: Batch, *, few: bool) -> DataFrame | None:
        """Return all events of the keys of which the journal may have an event as new as one of a batch's.

        Where the events are few, each is compared with the bounds of the journal's files in its log, so that only files
        are read that may have events of such keys.

        Args:
            events: The batch's events.
            batch: The batch.
            few: Whether they are few.

        Returns:
            The events of such keys, the batch's own among them, or None if the batch's events are newer than all others
            of their keys.
        """
        files = self._files()
        own = (batch.batch_id, batch.batch_id)
        others = [file for file in files.files if file.bounds.get(BATCH) != own]
        if not others and files.files:
            return None
        order, keys = self._order, self.changes.keys
        named = [F.col(quoted(key)) for key in keys]
        rows = events.where(F.col(OPERATION) != TRUNCATE).select(*named, order)
        if few and files.files:
            found = _overtaken(rows.toArrow(), others, keys, order)
            if not found.num_rows:
                return None
            mine = [file for file in files.files if file not in others]
            read = [file for file in others if may_hold_any(file, found, keys)]
            late = F.broadcast(self.spark.createDataFrame(found))
            return of_keys(files.read(self.spark, [*read, *mine]), late, keys)
        low = rows.agg(F.min(order).alias(order)).toArrow()
        reaching = [file for file in others if _any(file.reaches(low, order))]
        if not reaching and files.files:
            return None
        least = rows.groupBy(*named).agg(F.min(order).alias(order))
        stored, suspect = files.read(self.spark), files.read(self.spark, reaching)
        earlier = suspect.where((F.col(BATCH) != batch.batch_id) & (F.col(OPERATION) != TRUNCATE)).select(*named, order)
        newest = earlier.groupBy(*named).agg(F.max(order).alias("__newest"))
        late = of_keys(least, newest, keys, "inner").where(F.col("__newest") >= F.col(order)).select(*named)
        return None if late.isEmpty() else of_keys(stored, late, keys)

    @property
    def _order(self) -> str:
        return FIRST if FIRST in self.table.opened().columns else SEQUENCE

    def _files(self) -> FileRanges:
        return FileRanges.opened(self.table.path, [*self.changes.keys, self._order, OPERATION, BATCH])


def of_keys(rows: DataFrame, others: DataFrame, keys: Sequence[str], how: str = "left_semi") -> DataFrame:
    """Return a join of rows with others of the same keys; of the others' keys there is nothing in the result."""
    renamed = {key: f"__other_{number}" for number, key in enumerate(keys)}
    same = reduce(and_, (F.col(quoted(key)) == F.col(other) for key, other in renamed.items()))
    return rows.join(others.withColumnsRenamed(renamed), on=same, how=how).drop(*renamed.values())


def may_hold_any(file: FileRange, rows: pa.Table, columns: Sequence[str]) -> bool:
    """Return whether a file may hold the values of any of some rows."""
    return _any(file.may_hold(rows, columns))


def _any(held: pa.ChunkedArray | None) -> bool:
    """Return whether one of some values is true; without them it may be."""
    return held is None or bool(pc.any(held).as_py())


def _overtaken(rows: pa.Table, files: Sequence[FileRange], keys: Sequence[str], order: str) -> pa.Table:
    """Return the keys of rows that are not newer than everything that some files may hold of their key."""
    late = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for file in files:
        found = [one for one in (file.may_hold(rows, keys), file.reaches(rows, order)) if one is not None]
        late = pc.or_(late, reduce(pc.and_, found) if found else pa.scalar(value=True))
    return rows.filter(late).select(list(keys)).group_by(list(keys)).aggregate([])
