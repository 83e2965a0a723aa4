"""What became of every file: an append-only Delta table beside the checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from pipeline import state_table
from pipeline.arrow import arrow_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from pipeline.batch import Batch
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.reader import FileOutcome

FileStatus = Literal["waiting", "ingested", "set aside", "missing", "overwritten"]

_TIMESTAMP = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("state", pa.string()),
        ("size_bytes", pa.int64()),
        ("modified_at", _TIMESTAMP),
        ("status_changed_at", _TIMESTAMP),
        ("discovered_at", _TIMESTAMP),
        ("committed_at", _TIMESTAMP),
        ("rows", pa.int64()),
        ("corrupt_rows", pa.int64()),
        ("rescued_rows", pa.int64()),
        ("error", pa.string()),
        ("flow_id", pa.string()),
        ("batch_id", pa.int64()),
        ("update_id", pa.string()),
        ("batch_key", pa.string()),
        ("sequence", pa.int64()),
    ]
)


@dataclass(frozen=True)
class FileRecord:
    """What is known of one file after the batch that took it.

    Attributes:
        status_changed_at: When the file's content, owner or permissions had last changed.
        flow_id: The flow that the file belongs to, until a full refresh.
        batch_key: Names the batch that wrote the record; a batch's records are written once.
        sequence: Counts the writes; of two records of a file the later one is in force.
    """

    path: str
    state: FileStatus
    size_bytes: int
    modified_at: datetime
    status_changed_at: datetime | None = None
    discovered_at: datetime | None = None
    committed_at: datetime | None = None
    rows: int = 0
    corrupt_rows: int = 0
    rescued_rows: int = 0
    error: str | None = None
    flow_id: str | None = None
    batch_id: int | None = None
    update_id: str | None = None
    batch_key: str | None = None
    sequence: int | None = None


class FileState:
    """The files that a flow has seen, the newest record of each in force."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, records: list[FileRecord]) -> None:
        """Append records; a batch's records are added once, whatever is replayed."""
        if not records or self._has_batch(records[0]):
            return
        exists = DeltaTable.is_deltatable(str(self.path))
        sequence = DeltaTable(self.path).version() + 1 if exists else 0
        rows = pa.Table.from_pylist([{**vars(record), "sequence": sequence} for record in records], schema=SCHEMA)
        state_table.append(self.path, rows)

    def current(self, flow_id: str | None = None) -> dict[str, FileRecord]:
        """Return the newest record of every file, by path; of one flow alone where its id is given."""
        if not DeltaTable.is_deltatable(str(self.path)):
            return {}
        rows = arrow_dataset(DeltaTable(self.path)).to_table().sort_by([("sequence", "ascending")])
        if flow_id is not None:
            rows = rows.filter(pc.field("flow_id") == flow_id)
        return {row["path"]: FileRecord(**row) for row in rows.to_pylist()}

    def _has_batch(self, record: FileRecord) -> bool:
        if not DeltaTable.is_deltatable(str(self.path)):
            return False
        same = pc.field("batch_key") == record.batch_key
        return bool(arrow_dataset(DeltaTable(self.path)).scanner(columns=["path"], filter=same).count_rows())


def file_records(
    files: list[LandedFile],
    outcomes: list[FileOutcome],
    batch: Batch,
    flow_id: str,
    discovered: Mapping[str, datetime],
    committed: datetime,
) -> list[FileRecord]:
    """Return what a batch made of its files."""
    by_path = {outcome.path: outcome for outcome in outcomes}
    return [
        FileRecord(
            path=file.shown,
            state="set aside" if by_path[file.path].error else "ingested",
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            status_changed_at=file.status_changed_at,
            discovered_at=discovered.get(file.path),
            committed_at=committed,
            rows=by_path[file.path].rows,
            corrupt_rows=by_path[file.path].corrupt_rows,
            rescued_rows=by_path[file.path].rescued_rows,
            error=by_path[file.path].error,
            flow_id=flow_id,
            batch_id=batch.batch_id,
            update_id=batch.update_id,
            batch_key=f"{batch.flow_id}/{batch.batch_id}",
        )
        for file in files
    ]


def missing_record(path: str, discovered: datetime, batch: Batch, now: datetime) -> FileRecord:
    """Return the record of a file that was discovered and gone before it could be read."""
    return FileRecord(
        path=path,
        state="missing",
        size_bytes=0,
        modified_at=now,
        discovered_at=discovered,
        committed_at=now,
        error="discovered, and gone before it could be read",
        flow_id=batch.flow_id,
        batch_id=batch.batch_id,
        update_id=batch.update_id,
        batch_key=f"{batch.flow_id}/{batch.batch_id}",
    )
