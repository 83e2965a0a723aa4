"""A Delta table: its place, its rows, and the batches that were written to it, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable

from pipeline.delta.batch import Batch, Written
from pipeline.delta.commits import Commit, CommitLog
from pipeline.delta.errors import DeltaError
from pipeline.delta.reading import few_rows, file_sizes, frame_of, newest_rows, scan
from pipeline.delta.snapshot import Snapshot
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.delta.reading import Times
    from pipeline.delta.rows import Rows, SparkRows


class Table:
    """The place of a Delta table, which may not exist yet.

    Args:
        path: Its folder.
        limits: Up to where rows are read and written in this process.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = path
        self.limits = limits

    @property
    def log(self) -> CommitLog:
        """Its commits, as far as they are kept."""
        return CommitLog(self.path)

    @property
    def exists(self) -> bool:
        """Whether a first commit has been made."""
        return DeltaTable.is_deltatable(str(self.path))

    @property
    def is_readable(self) -> bool:
        """Whether its log can be read; a folder without any data is readable, and no table yet."""
        if not self.exists:
            return not any(self.path.glob("*.parquet"))
        # A later commit may repeat the table's columns: deltalake then reads what is left, and Spark does not.
        if not self.log.has_its_beginning():
            return False
        try:
            self.opened()
        except DeltaError:
            return False
        return True

    def opened(self) -> Snapshot:
        """Return the table at its newest version.

        Raises:
            DeltaError: Its log cannot be read.
        """
        return Snapshot.opened(self.path)

    def committed_batch(self, flow_id: str) -> int:
        """Return the newest batch that a flow has committed here, or -1."""
        return self.opened().committed_batch(flow_id)

    def version(self) -> int:
        """Return the table's newest version, or -1 where there is no table."""
        return self.opened().version

    @property
    def id(self) -> str:
        """The name that Delta itself has given the table, which must exist."""
        return str(DeltaTable(self.path).metadata().id)

    def row_count(self) -> int:
        """Return the number of rows, read from the log alone."""
        return self.opened().row_count

    def rows(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return the rows that the table holds now, read in this process, in no particular order.

        Args:
            columns: The columns; all of them by default.
            where: A condition in DataFusion's SQL; files whose statistics rule it out are not read.
        """
        return self.opened().rows(columns, where)

    def newest(self, by: str, most: int, where: str | None = None) -> pa.Table:
        """Return the rows with the greatest values of a column, at most some of them."""
        return newest_rows(DeltaTable(self.path), by, most, where)

    def read(self, spark: SparkSession, times: Times | None = None) -> DataFrame:
        """Return the rows that the table holds now; those outside some stretches of time may be left out."""
        rows = scan(spark, DeltaTable(self.path), times)
        return spark.read.format("delta").load(str(self.path)) if rows is None else rows

    def held(self, spark: SparkSession, times: Times | None = None) -> SparkRows:
        """Return the same rows; if they are few, they are read here at once, and their number is known."""
        from pipeline.delta.rows import SparkRows  # noqa: PLC0415 - commands read tables without Spark

        few = few_rows(DeltaTable(self.path), self.limits, times)
        return SparkRows(frame_of(few, spark), few.num_rows) if few else SparkRows(self.read(spark, times))

    def greatest(self, column: str) -> Any:
        """Return a column's greatest value, or None where it has none; a moment to the millisecond."""
        return self.opened().greatest(column)

    def takes(self, columns: pa.Schema) -> bool:
        """Return whether rows with these columns can be appended without Spark's writer."""
        return self.opened().can_append(columns)

    def append(self, rows: Rows, batch: Batch) -> Written:
        """Append a batch's rows once: a batch that is there already is left as it is.

        Few rows are committed from this process, many are written by Spark's workers. Spark's own writer, which takes a
        second longer, is used where only it knows how: columns that the table lacks are added by the same commit.

        Returns:
            What the batch's commit wrote, now or in an earlier attempt.
        """
        snapshot = self.opened()
        if snapshot.committed_batch(batch.flow_id) < batch.batch_id:
            if not snapshot.can_append(rows.schema):
                self._write_with_spark(rows.frame(), batch, "append", "mergeSchema")
            elif rows.at_most is not None and rows.at_most <= self.limits.few_rows:
                snapshot.append(rows.table().cast(rows.schema), batch)
            else:
                snapshot.add(rows.write_to(self.path, self.limits), batch)
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def replace(self, rows: DataFrame, batch: Batch) -> Written:
        """Put rows in the place of all that the table holds, once for a batch."""
        snapshot = self.opened()
        if snapshot.committed_batch(batch.flow_id) < batch.batch_id:
            self._write_with_spark(rows, batch, "overwrite", "overwriteSchema", deleted_rows=snapshot.row_count)
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def _write_with_spark(
        self, rows: DataFrame, batch: Batch, mode: str, new_columns: str, *, deleted_rows: int = 0
    ) -> None:
        """Have Spark commit rows; `new_columns` is the option with which they may change the table's columns."""
        writer = rows.write.format("delta").mode(mode).option(new_columns, "true").options(**batch.transaction())
        writer.option("userMetadata", batch.note(deleted_rows=deleted_rows)).save(str(self.path))

    def written_by(self, batch: Batch) -> Written:
        """Return what a batch's commits did, from the table's own log."""
        total = Written()
        for commit in self.log.newest_first():
            if commit.note.get("flow_id") != batch.flow_id:
                continue
            if commit.note["batch_id"] < batch.batch_id:
                break
            if commit.note["batch_id"] == batch.batch_id:
                total += _from_commit(commit)
        return total

    def file_sizes(self) -> list[int]:
        """Return the size in bytes of each of the table's files, from the log alone."""
        return file_sizes(DeltaTable(self.path))

    def compact(self, retention: timedelta) -> tuple[int, int, int]:
        """Join small files and delete those that no version of a retention needs; no row changes.

        Returns:
            How many files were joined, to how many, and how many were deleted.
        """
        table = DeltaTable(self.path)
        joined: dict[str, Any] = table.optimize.compact()
        deleted = table.vacuum(int(retention.total_seconds() // 3600), dry_run=False, full=True)
        table.create_checkpoint()
        return joined["numFilesRemoved"], joined["numFilesAdded"], len(deleted)

    def commits(self) -> Iterator[tuple[Batch, Written]]:
        """Yield each batch's commit with what it did, newest first; commits of no batch are left out."""
        for commit in self.log.newest_first():
            if "flow_id" in commit.note:
                yield Batch(**{key: commit.note[key] for key in Batch.__dataclass_fields__}), _from_commit(commit)


def _from_commit(commit: Commit) -> Written:
    # Spark's names and deltalake's.
    metrics = commit.info.get("operationMetrics", {})

    def count(*keys: str) -> int:
        return sum(int(metrics.get(key, 0)) for key in keys)

    size = sum(commit.added_sizes())
    if commit.info.get("operation") == "MERGE":
        updated = count("numTargetRowsUpdated", "num_target_rows_updated")
        inserted = count("numTargetRowsInserted", "num_target_rows_inserted")
        deleted = count("numTargetRowsDeleted", "num_target_rows_deleted")
        return Written(inserted + updated, deleted + updated, size, updated)
    # Delta does not count the rows that an overwrite takes away; the writer has noted their number.
    noted = commit.note.get("deleted_rows", 0)
    return Written(count("numOutputRows", "num_added_rows"), noted or count("numDeletedRows"), size)
