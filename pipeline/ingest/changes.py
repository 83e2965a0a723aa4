"""Files that stand in the landing zone in another version than the one that was taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.ingest.landing import standing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.source import FilesSource


@dataclass(frozen=True)
class FileChange:
    """A file that was taken and stands there in another version.

    Attributes:
        file: What stands in the landing zone now.
        known: The record of what was taken.
    """

    file: LandedFile
    known: FileRecord

    @property
    def was_read(self) -> bool:
        """Whether the version on record was read to its end."""
        return self.known.state not in {"set aside", "missing"}

    def record(self, flow_id: str, update_id: str) -> FileRecord:
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
            status_changed_at=self.file.status_changed_at,
            error=error,
            flow_id=flow_id,
            update_id=update_id,
            batch_key=f"overwritten/{self.file.path}/{self.file.modified_at.isoformat()}/{self.file.size_bytes}",
        )


def changes(known: Mapping[str, FileRecord], folder: Path, source: FilesSource) -> list[FileChange]:
    """Return the files that are not as their record says, oldest first.

    A file's size and time of modification tell; for one that was set aside its permissions do too.
    """
    found = [
        FileChange(file, known[file.path])
        for file in standing(folder, source)
        if file.path in known and _differs(file, known[file.path])
    ]
    return sorted(found, key=lambda change: (change.file.modified_at, change.file.path))


def _differs(file: LandedFile, known: FileRecord) -> bool:
    if (file.size_bytes, file.modified_at) != (known.size_bytes, known.modified_at):
        return True
    return known.state == "set aside" and file.status_changed_at != known.status_changed_at


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a path that came as text
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"unknown ({error.strerror})"
