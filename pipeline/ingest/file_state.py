"""What became of every file: an append-only Delta table beside the checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

FileStatus = Literal["waiting", "ingested", "set aside", "missing", "overwritten"]

_TIMESTAMP = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("state", pa.string()),
        ("size_bytes", pa.int64()),
        ("modified_at", _TIMESTAMP),
        ("discovered_at", _TIMESTAMP),
        ("committed_at", _TIMESTAMP),
        ("rows", pa.int64()),
        ("corrupt_rows", pa.int64()),
        ("rescued_rows", pa.int64()),
        ("error", pa.string()),
        ("flow_id", pa.string()),
        ("batch_id", pa.int64()),
        ("update_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class FileRecord:
    """What is known of one file after the batch that took it."""

    path: str
    state: FileStatus
    size_bytes: int
    modified_at: datetime
    discovered_at: datetime | None = None
    committed_at: datetime | None = None
    rows: int = 0
    corrupt_rows: int = 0
    rescued_rows: int = 0
    error: str | None = None
    flow_id: str | None = None
    batch_id: int | None = None
    update_id: str | None = None


class FileState:
    """The files that a flow has seen, the newest record of each in force."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, records: list[FileRecord]) -> None:
        """Append records; a batch's records are added once, whatever is replayed."""
        if not records or self._has_batch(records[0]):
            return
        rows = pa.Table.from_pylist([asdict(record) for record in records], schema=SCHEMA)
        write_deltalake(self.path, rows, mode="append")

    def current(self, flow_id: str | None = None) -> dict[str, FileRecord]:
        """Return the newest record of every file, by path; of one flow alone where its id is given."""
        if not DeltaTable.is_deltatable(str(self.path)):
            return {}
        rows = DeltaTable(self.path).to_pyarrow_table().sort_by([("committed_at", "ascending")])
        if flow_id is not None:
            rows = rows.filter(pc.field("flow_id") == flow_id)
        return {row["path"]: FileRecord(**row) for row in rows.to_pylist()}

    def _has_batch(self, record: FileRecord) -> bool:
        if not DeltaTable.is_deltatable(str(self.path)):
            return False
        same = (pc.field("flow_id") == record.flow_id) & (pc.field("batch_id") == record.batch_id)
        return bool(DeltaTable(self.path).to_pyarrow_dataset().scanner(columns=["path"], filter=same).count_rows())
