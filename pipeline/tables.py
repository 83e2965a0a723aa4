"""Delta tables as the engine sees them: where they are, what was committed, by which batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deltalake import CommitProperties, Transaction
from deltalake import DeltaTable as DeltaLog
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipeline import large_commit, small_commit
from pipeline.arrow import Held, frame_of_few, greatest
from pipeline.batch import Batch, Written
from pipeline.commit_log import Commit, CommitLog
from pipeline.data_files import DataFiles, Share, arrow_schema
from pipeline.errors import EnvironmentFaultError
from pipeline.fault_points import FaultPoint, reach
from pipeline.file_pass import write_files
from pipeline.scan import scan
from pipeline.version_checksum import write_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.arrow import Times


class NotCommittedError(EnvironmentFaultError):
    """Delta took rows and made no commit."""

    def __init__(self, path: Path, batch: Batch) -> None:
        super().__init__(
            f"Delta made no commit for batch {batch.batch_id} of `{batch.flow_name}` in {path}, though it has rows.",
            "Nothing is lost; the batch is tried again. If that fails too, see state/log/spark.log in the home.",
        )


class Table:
    """One Delta table on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> CommitLog:
        """Its commits, as far as they are kept."""
        return CommitLog(self.path)

    @property
    def exists(self) -> bool:
        """Whether a first commit has been made."""
        return DeltaLog.is_deltatable(str(self.path))

    @property
    def is_readable(self) -> bool:
        """Whether its log can be read; a folder without any data is readable, and no table yet."""
        if not self.exists:
            return not any(self.path.glob("*.parquet"))
        # A later commit may repeat the table's columns: deltalake then reads what is left, and Spark does not.
        if not self.log.has_its_beginning():
            return False
        try:
            DeltaLog(self.path)
        except DeltaError:
            return False
        return True

    def committed_batch(self, flow_id: str) -> int:
        """Return the newest batch that a flow has committed here, or -1."""
        return max(self._transaction(flow_id), self._noted(flow_id))

    def has_forgotten(self, flow_id: str) -> bool:
        """Whether all of a flow's commits may have been deleted, so that its newest batch is not known any more."""
        return not self.log.is_whole() and self._noted(flow_id) < 0

    def keep_batch(self, flow_id: str) -> None:
        """Write a flow's newest batch as Delta's transaction, which stays when the commit with its note is deleted."""
        batch_id = self.committed_batch(flow_id)
        if batch_id > self._transaction(flow_id):
            self._name(CommitProperties(app_transactions=[Transaction(flow_id, batch_id)]))

    def _name(self, properties: CommitProperties) -> None:
        """Commit nothing but which batch a flow has come to."""
        log = DeltaLog(self.path)
        log.create_write_transaction([], "append", log.schema(), commit_properties=properties)
        log.update_incremental()
        write_checksum(log)

    def _transaction(self, flow_id: str) -> int:
        version = DeltaLog(self.path).transaction_version(flow_id) if self.exists else None
        return -1 if version is None else int(version)

    def _noted(self, flow_id: str) -> int:
        notes = (commit.note for commit in self.log.newest_first())
        return next((int(note["batch_id"]) for note in notes if note.get("flow_id") == flow_id), -1)

    def version(self) -> int:
        """Return the table's newest version, or -1 where there is no table."""
        if not self.exists:
            return -1
        return int(DeltaLog(self.path).version())

    def row_count(self) -> int:
        """Return the number of rows, read from the log alone."""
        try:
            return int(DeltaLog(self.path).count())
        except TableNotFoundError:
            return 0

    def read(self, spark: SparkSession, times: Times | None = None) -> DataFrame:
        """Return the rows that the table holds now; those outside some stretches of time may be left out."""
        rows = scan(spark, DeltaLog(self.path), times)
        return spark.read.format("delta").load(str(self.path)) if rows is None else rows

    def read_few(self, spark: SparkSession, times: Times | None = None) -> DataFrame | None:
        """Return the rows that the table holds now, those outside some times perhaps left out, or None if not few."""
        return frame_of_few(spark, DeltaLog(self.path), times)

    def greatest(self, column: str) -> Any:
        """Return a column's greatest value, or None where it has none; a moment to the millisecond."""
        return greatest(DeltaLog(self.path), column)

    def append(self, rows: DataFrame | Held | DataFiles, batch: Batch, *, few: bool = False) -> Written:
        """Append a batch's rows once: a batch that is there already is left as it is.

        Columns that the table lacks are added by the same commit. The commit's note says which batch it is.

        Args:
            rows: What is appended. Files must be of columns that the table takes.
            batch: The key of the commit.
            few: Whether the rows fit into this process: then they are committed in milliseconds.

        Returns:
            What the batch's commit wrote, now or in an earlier attempt.
        """
        if self.committed_batch(batch.flow_id) < batch.batch_id:
            if isinstance(rows, Held):
                self._append_few(rows, batch)
            elif isinstance(rows, DataFiles):
                large_commit.append(rows, batch)
            elif few:
                self._append_few(Held(rows.toArrow(), lambda: rows), batch)
            else:
                self._append_many(rows, batch)
            self.name_if_missing(batch)
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def _append_few(self, held: Held, batch: Batch) -> None:
        if self.takes(held.rows.schema):
            small_commit.append(self.path, held.rows, batch.commit_properties())
        else:
            self._append_many(held.as_frame(), batch)

    def takes(self, columns: pa.Schema) -> bool:
        """Tell whether rows with these columns can be appended without Spark's writer."""
        return small_commit.can_append(self.path, columns)

    def _append_many(self, rows: DataFrame, batch: Batch) -> None:
        columns = arrow_schema(rows.schema)
        if self.takes(columns):
            (written,) = write_files(rows, [Share(self.path, columns)])
            large_commit.append(written, batch)
        else:
            self._append_with_spark(rows, batch)

    def _append_with_spark(self, rows: DataFrame, batch: Batch) -> None:
        """Have Spark append rows, and add the columns that the table lacks.

        Only a flow's first commit names the batch as Delta's transaction too: to look that up Delta computes the
        table's state, a second of Spark jobs, which an append needs for nothing else.

        Raises:
            NotCommittedError: There are rows, and no commit was made of them.
        """
        (
            rows.write.format("delta")
            .mode("append")
            .option("mergeSchema", "true")
            .options(**({} if self._transaction(batch.flow_id) >= 0 else batch.transaction()))
            .option("userMetadata", batch.note())
            .save(str(self.path))
        )
        # Of no rows Delta makes no commit.
        if self._noted(batch.flow_id) < batch.batch_id and not rows.isEmpty():
            raise NotCommittedError(self.path, batch)

    def name_if_missing(self, batch: Batch) -> None:
        """Name a batch by a commit of its own where it had nothing to write: else it is taken for new once more."""
        if self._noted(batch.flow_id) < batch.batch_id:
            self._name(batch.commit_properties())

    def replace(self, rows: DataFrame, batch: Batch) -> Written:
        """Put rows in the place of all that the table holds, once for a batch."""
        if self.committed_batch(batch.flow_id) < batch.batch_id:
            before = self.row_count()
            (
                rows.write.format("delta")
                .mode("overwrite")
                .option("overwriteSchema", "true")
                .options(**batch.transaction())
                .option("userMetadata", batch.note(deleted_rows=before))
                .save(str(self.path))
            )
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

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
        return Written(inserted + updated, deleted + updated, size)
    # Delta counts no rows that an overwrite takes away; the writer has noted them.
    noted = commit.note.get("deleted_rows", 0)
    return Written(count("numOutputRows", "num_added_rows"), noted or count("numDeletedRows"), size)
