"""Delta tables as the engine sees them: where they are, what was committed, by which batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable as DeltaLog
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipeline.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


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
    def exists(self) -> bool:
        """Whether a first commit has been made."""
        return DeltaLog.is_deltatable(str(self.path))

    @property
    def is_readable(self) -> bool:
        """Whether its log can be read; a folder without any data is readable, and no table yet."""
        if not self.exists:
            return not any(self.path.glob("*.parquet"))
        log = self.path / "_delta_log"
        # A later commit may repeat the table's columns: deltalake then reads what is left, and Spark does not.
        if not (log / f"{0:020}.json").exists() and not any(log.glob("*.checkpoint*")):
            return False
        try:
            DeltaLog(self.path)
        except DeltaError:
            return False
        return True

    def committed_batch(self, flow_id: str) -> int:
        """Return the newest batch that a flow has committed here, or -1."""
        if not self.exists:
            return -1
        version = DeltaLog(self.path).transaction_version(flow_id)
        return -1 if version is None else int(version)

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

    def append(self, rows: DataFrame, batch: Batch) -> Written:
        """Append a batch's rows once: a batch that is there already is left as it is.

        Columns that the table lacks are added by the same commit.

        Returns:
            What the batch's commit wrote, now or in an earlier attempt.
        """
        if self.committed_batch(batch.flow_id) < batch.batch_id:
            (
                rows.write.format("delta")
                .mode("append")
                .option("mergeSchema", "true")
                .option("txnAppId", batch.flow_id)
                .option("txnVersion", str(batch.batch_id))
                .option("userMetadata", commit_note(batch))
                .save(str(self.path))
            )
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
                .option("txnAppId", batch.flow_id)
                .option("txnVersion", str(batch.batch_id))
                .option("userMetadata", commit_note(batch, deleted_rows=before))
                .save(str(self.path))
            )
            reach(FaultPoint.COMMITTED)
        return self.written_by(batch)

    def written_by(self, batch: Batch) -> Written:
        """Return what a batch's commits did, from the table's own log."""
        total = Written()
        for entry in self._log_newest_first():
            transaction = entry.get("txn")
            if not transaction or transaction["appId"] != batch.flow_id:
                continue
            if transaction["version"] < batch.batch_id:
                break
            if transaction["version"] == batch.batch_id:
                total += _from_commit(entry["commitInfo"])
        return total

    def commits(self) -> Iterator[tuple[Batch, Written]]:
        """Yield each batch's commit with what it did, newest first; commits of no batch are left out."""
        for entry in self._log_newest_first():
            note = json.loads(entry.get("commitInfo", {}).get("userMetadata") or "{}")
            if "flow_id" in note:
                yield Batch(**{key: note[key] for key in Batch.__dataclass_fields__}), _from_commit(entry["commitInfo"])

    def added_since(self, version: int) -> tuple[int, int]:
        """Return how many files, of how many bytes, commits have added from a version on, as far as the log goes back.

        Commits that took rows away are left out: they bring a stream nothing.
        """
        files = size = 0
        for file in (self.path / "_delta_log").glob("[0-9]" * 20 + ".json"):
            if int(file.stem) < version:
                continue
            actions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            if any("remove" in action for action in actions):
                continue
            added = [action["add"]["size"] for action in actions if action.get("add", {}).get("dataChange")]
            files, size = files + len(added), size + sum(added)
        return files, size

    def _log_newest_first(self) -> Any:
        log = self.path / "_delta_log"
        for file in sorted(log.glob("[0-9]" * 20 + ".json"), reverse=True):
            entry: dict[str, Any] = {}
            for line in file.read_text(encoding="utf-8").splitlines():
                action = json.loads(line)
                for kind in ("commitInfo", "txn"):
                    if kind in action:
                        entry[kind] = action[kind]
            yield entry


def commit_note(batch: Batch, *, deleted_rows: int = 0) -> str:
    """Return the text that a commit carries as Delta's `userMetadata`: which update and batch wrote it."""
    return json.dumps({**asdict(batch), "deleted_rows": deleted_rows})


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
    noted = json.loads(commit.get("userMetadata") or "{}").get("deleted_rows", 0)
    return Written(count("numOutputRows"), noted or count("numDeletedRows"), count("numOutputBytes"))
