"""Delta tables as the engine sees them: where they are, what was committed, by which batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deltalake import CommitProperties, Transaction
from deltalake import DeltaTable as DeltaLog
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipeline.arrow import frame_of_few, greatest
from pipeline.commit_log import CommitLog
from pipeline.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.arrow import Times


@dataclass(frozen=True)
class Batch:
    """One batch of one flow: the key under which its rows and its evidence are written once.

    Attributes:
        flow_id: Stays while the flow goes on; a full refresh begins a new one.
        batch_id: Counts the flow's batches from 0.
    """

    update_id: str
    flow_name: str
    flow_id: str
    batch_id: int


@dataclass(frozen=True)
class Written:
    """What one commit did to a table, in rows and bytes."""

    rows: int = 0
    deleted_rows: int = 0
    bytes: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.rows + other.rows, self.deleted_rows + other.deleted_rows, self.bytes + other.bytes)


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
        if not self.log.is_whole() and not any((self.path / "_delta_log").glob("*.checkpoint*")):
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
            self._name(flow_id, batch_id)

    def _name(self, flow_id: str, batch_id: int, note: str | None = None) -> None:
        """Commit nothing but which batch a flow has come to."""
        log = DeltaLog(self.path)
        noted = {"userMetadata": note} if note else None
        done = CommitProperties(custom_metadata=noted, app_transactions=[Transaction(flow_id, batch_id)])
        log.create_write_transaction([], "append", log.schema(), commit_properties=done)

    def _transaction(self, flow_id: str) -> int:
        version = DeltaLog(self.path).transaction_version(flow_id) if self.exists else None
        return -1 if version is None else int(version)

    def _noted(self, flow_id: str) -> int:
        notes = (_note_in(commit) for commit in self.log.newest_first())
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

    def read(self, spark: SparkSession) -> DataFrame:
        """Return the rows that the table holds now."""
        return spark.read.format("delta").load(str(self.path))

    def read_some(self, spark: SparkSession, times: Times | None = None) -> DataFrame:
        """Return the rows that the table holds now; those outside some stretches of time may be left out."""
        few = frame_of_few(spark, DeltaLog(self.path), times)
        return self.read(spark) if few is None else few

    def greatest(self, column: str) -> Any:
        """Return a column's greatest value, or None where it has none; a moment to the millisecond."""
        return greatest(DeltaLog(self.path), column)

    def append(self, rows: DataFrame, batch: Batch) -> Written:
        """Append a batch's rows once: a batch that is there already is left as it is.

        Columns that the table lacks are added by the same commit. The commit's note says which batch it is. Only
        a flow's first one names it as Delta's transaction too: to look that up Delta computes the table's state, a
        second of Spark jobs, which an append needs for nothing else.

        Returns:
            What the batch's commit wrote, now or in an earlier attempt.
        """
        if self.committed_batch(batch.flow_id) < batch.batch_id:
            (
                rows.write.format("delta")
                .mode("append")
                .option("mergeSchema", "true")
                .options(**({} if self._transaction(batch.flow_id) >= 0 else _transaction_of(batch)))
                .option("userMetadata", commit_note(batch))
                .save(str(self.path))
            )
            if self._noted(batch.flow_id) < batch.batch_id:
                # Of no rows Delta makes no commit, and the batch would be taken for new once more.
                self._name(batch.flow_id, batch.batch_id, commit_note(batch))
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def replace(self, rows: DataFrame, batch: Batch) -> Written:
        """Put rows in the place of all that the table holds, once for a batch."""
        if self.committed_batch(batch.flow_id) < batch.batch_id:
            before = self.row_count()
            (
                rows.write.format("delta")
                .mode("overwrite")
                .option("overwriteSchema", "true")
                .options(**_transaction_of(batch))
                .option("userMetadata", commit_note(batch, deleted_rows=before))
                .save(str(self.path))
            )
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def written_by(self, batch: Batch) -> Written:
        """Return what a batch's commits did, from the table's own log."""
        total = Written()
        for commit in self.log.newest_first():
            note = _note_in(commit)
            if note.get("flow_id") != batch.flow_id:
                continue
            if note["batch_id"] < batch.batch_id:
                break
            if note["batch_id"] == batch.batch_id:
                total += _from_commit(commit)
        return total

    def commits(self) -> Iterator[tuple[Batch, Written]]:
        """Yield each batch's commit with what it did, newest first; commits of no batch are left out."""
        for commit in self.log.newest_first():
            note = _note_in(commit)
            if "flow_id" in note:
                yield Batch(**{key: note[key] for key in Batch.__dataclass_fields__}), _from_commit(commit)


def commit_note(batch: Batch, *, deleted_rows: int = 0) -> str:
    """Return the text that a commit carries as Delta's `userMetadata`: which update and batch wrote it."""
    return json.dumps({**asdict(batch), "deleted_rows": deleted_rows})


def _note_in(commit: dict[str, Any]) -> dict[str, Any]:
    try:
        note = json.loads(commit.get("userMetadata") or "{}")
    except ValueError:
        # Somebody else's commit, with a text of their own.
        return {}
    return note if isinstance(note, dict) else {}


def _transaction_of(batch: Batch) -> dict[str, str]:
    return {"txnAppId": batch.flow_id, "txnVersion": str(batch.batch_id)}


def _from_commit(commit: dict[str, Any]) -> Written:
    metrics = commit.get("operationMetrics", {})

    def count(*keys: str) -> int:
        return sum(int(metrics.get(key, 0)) for key in keys)

    if "numTargetRowsInserted" in metrics:
        return Written(
            rows=count("numTargetRowsInserted", "numTargetRowsUpdated"),
            deleted_rows=count("numTargetRowsDeleted", "numTargetRowsUpdated"),
            bytes=count("numTargetBytesAdded"),
        )
    # Delta counts no rows that an overwrite takes away; the writer has noted them.
    noted = _note_in(commit).get("deleted_rows", 0)
    return Written(count("numOutputRows"), noted or count("numDeletedRows"), count("numOutputBytes"))
