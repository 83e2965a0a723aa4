"""Files that stand in the landing zone in another version than the one that was read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.ingest.landing import LandedFile, standing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.source import FilesSource


@dataclass(frozen=True)
class FileChange:
    """A file that was read and came again.

    Attributes:
        file: What stands in the landing zone now.
        known: The record of what was read.
    """

    file: LandedFile
    known: FileRecord

    def record(self, now: datetime, flow_id: str, update_id: str) -> FileRecord:
        """Return the record that says that another version came and was not read."""
        error = (
            f"another version came: {self.file.size_bytes} bytes, modified {self.file.modified_at.isoformat()}, "
            f"sha256 {_digest(self.file.path)}; the rows are those of the version read first"
        )
        return replace(
            self.known,
            state="overwritten",
            size_bytes=self.file.size_bytes,
            modified_at=self.file.modified_at,
            committed_at=now,
            error=error,
            flow_id=flow_id,
            update_id=update_id,
            batch_key=f"overwritten/{self.file.path}/{self.file.modified_at.isoformat()}/{self.file.size_bytes}",
        )


def changes(known: Mapping[str, FileRecord], folder: Path, source: FilesSource) -> list[FileChange]:
    """Return the files whose size or time of modification is not the one on record, oldest first."""
    found = [
        FileChange(file, known[file.path])
        for file in standing(folder, source)
        if file.path in known
        and (file.size_bytes, file.modified_at) != (known[file.path].size_bytes, known[file.path].modified_at)
    ]
    return sorted(found, key=lambda change: (change.file.modified_at, change.file.path))


def landed_file(path: str) -> LandedFile:
    """Return a file as it stands in the landing zone now."""
    status = os.stat(path)  # noqa: PTH116 - the same call that the listing makes
    return LandedFile(path, status.st_size, datetime.fromtimestamp(status.st_mtime_ns // 1_000_000 / 1e3, UTC))


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a path that came as text
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"unknown ({error.strerror})"
