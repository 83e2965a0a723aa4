"""What became of every file: an append-only Delta table beside the checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.delta import state_table
from pipeline.delta.table import Table
from pipeline.foundation.sql_names import literal
from pipeline.ingest.landing import LandedFile, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from pipeline.delta.batch import Batch
    from pipeline.ingest.reader import FileOutcome

FileStatus = Literal["waiting", "ingested", "set aside", "missing", "overwritten", "ignored"]


@dataclass(frozen=True)
class FileRecord:
    """What is known of one file after the batch that took it.

    Attributes:
        status_changed_at: When the file's content, owner or permissions had last changed.
        sha256: The digest of the bytes that its rows come from; None where it is not known.
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
    sha256: str | None = None
    flow_id: str | None = None
    batch_id: int | None = None
    update_id: str | None = None
    batch_key: str | None = None
    sequence: int | None = None


_TYPES = {
    "str": pa.string(), "FileStatus": pa.string(), "int": pa.int64(), "datetime": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
SCHEMA = pa.schema([(field.name, _TYPES[str(field.type).split(" ")[0]]) for field in fields(FileRecord)])


class FileState:
    """The files that a flow has seen, the newest record of each in force."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = Table(path)

    def add(self, records: list[FileRecord]) -> None:
        """Append records; a batch's records are added once, whatever is replayed."""
        if not records or self._has(str(records[0].batch_key)):
            return
        sequence = self._table.version() + 1
        rows = pa.Table.from_pylist([{**vars(record), "sequence": sequence} for record in records], schema=SCHEMA)
        state_table.append(self.path, rows)

    def current(self, flow_id: str | None = None, paths: list[str] | None = None) -> dict[str, FileRecord]:
        """Return the newest record of every file, by path; of one flow, and of some paths, where these are given."""
        rows = self.newest(SCHEMA.names, flow_id, paths).to_pylist()
        return {row["path"]: FileRecord(**row) for row in rows}

    def newest(self, columns: list[str], flow_id: str | None, paths: list[str] | None = None) -> pa.Table:
        """Return the newest record of every file as `current` does, with some of its columns, the path among them."""
        rows = self._rows([*{*columns, "sequence"}], flow_id, paths).sort_by("sequence")
        numbered = rows.select(["path"]).append_column("row", pa.array(range(len(rows)), pa.int64()))
        newest = numbered.group_by("path").aggregate([("row", "max")])["row_max"]
        return rows.take(newest).select(columns)

    def known_among(self, paths: list[str], flow_id: str, *, with_ignored: bool = True) -> set[str]:
        """Return those of some paths that have a record of a flow, whatever became of the files.

        Args:
            paths: Of files.
            flow_id: The flow.
            with_ignored: Whether a record that the file is ignored counts.
        """
        where = "" if with_ignored else " AND state <> 'ignored'"
        return set(self._rows(["path"], flow_id, paths, where)["path"].to_pylist()) if paths else set()

    def has_batch(self, flow_id: str, batch_id: int) -> bool:
        """Return whether the records of a flow's batch were added."""
        return self._has(batch_key(flow_id, batch_id))

    def _has(self, batch_key: str) -> bool:
        return self._table.exists and self._table.rows(["path"], f"batch_key = {literal(batch_key)}").num_rows > 0

    def _rows(self, columns: list[str], flow_id: str | None, paths: list[str] | None, where: str = "") -> pa.Table:
        schema = pa.schema([SCHEMA.field(name) for name in columns])
        snapshot = self._table.opened()
        # Homes that have not been migrated lack columns.
        there = [name for name in columns if name in snapshot.columns]
        if not there:
            return schema.empty_table()
        found = snapshot.rows(there, None if flow_id is None else f"flow_id = {literal(flow_id)}{where}")
        absent = pa.nulls(len(found))
        rows = pa.table([found[name] if name in there else absent for name in columns], names=columns).cast(schema)
        # As SQL, thousands of paths would take longer to plan than to compare.
        return rows if paths is None else rows.filter(pc.is_in(rows["path"], pa.array(paths, pa.string())))


def batch_key(flow_id: str, batch_id: int) -> str:
    """Return the name under which the records of a flow's batch are added."""
    return f"{flow_id}/{batch_id}"


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
            sha256=by_path[file.path].sha256,
            flow_id=flow_id,
            batch_id=batch.batch_id,
            update_id=batch.update_id,
            batch_key=batch_key(batch.flow_id, batch.batch_id),
        )
        for file in files
    ]


def missing_record(path: str, discovered: datetime, batch: Batch, now: datetime) -> FileRecord:
    """Return the record of a file that was discovered and gone before it could be read."""
    return FileRecord(
        path=shown(path),
        state="missing",
        size_bytes=0,
        modified_at=now,
        discovered_at=discovered,
        committed_at=now,
        error="discovered, and gone before it could be read",
        flow_id=batch.flow_id,
        batch_id=batch.batch_id,
        update_id=batch.update_id,
        batch_key=batch_key(batch.flow_id, batch.batch_id),
    )
