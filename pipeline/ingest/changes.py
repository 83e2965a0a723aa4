"""Files that came to the landing zone again after they were taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.ingest.digest import sha256_of
from pipeline.ingest.landing import LandedFile, present, shown, version_of
from pipeline.ingest.listing import listed_paths

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.declare.files_source import FilesSource
    from pipeline.ingest.file_state import FileRecord, FileState

_COMPARED = ["path", "state", "size_bytes", "modified_at", "status_changed_at"]


@dataclass(frozen=True)
class FileChange:
    """A file that was taken and that is not there as its record says.

    Attributes:
        file: What is in the landing zone now.
        known: The record of what was taken.
        sha256: The digest of what is there now, or why it is not known; empty if nothing was read before.
    """

    file: LandedFile
    known: FileRecord
    sha256: str

    @property
    def was_read(self) -> bool:
        """Whether the version on record was read to its end."""
        return _was_read(self.known.state)

    @property
    def is_same(self) -> bool:
        """Whether the version that was read is there again, byte for byte."""
        return self.sha256 == self.known.sha256

    def record(self, update_id: str) -> FileRecord:
        """Return the record that says that the version that was read came again, or another one that was not read."""
        again = replace(
            self.known,
            state="ingested",
            size_bytes=self.file.size_bytes,
            modified_at=self.file.modified_at,
            status_changed_at=self.file.status_changed_at,
            error=None,
            batch_key=f"came again/{update_id}",
        )
        if self.is_same:
            return again
        version = "another version" if self.known.sha256 else "another version, or the same (its digest is not known),"
        error = (
            f"{version} came: {self.file.size_bytes} bytes, modified {self.file.modified_at.isoformat()}, "
            f"sha256 {self.sha256}; the rows are those of the version read first"
        )
        return replace(again, state="overwritten", error=error, update_id=update_id)


def changes(file_state: FileState, flow_id: str, folder: Path, source: FilesSource) -> list[FileChange]:
    """Return the files that are not as their record says, oldest first.

    A file's size and time of modification say whether its bytes are digested again; for one that was set aside its
    permissions do too. Where overwrites are allowed, files whose new version was not read are among them; else those
    that were there before the first look, and are ignored, are left out.
    """
    # A file whose name no table can hold is set aside for good.
    listed = [path for path in listed_paths(folder, source) if path == shown(path)]
    rows = file_state.newest(_COMPARED, flow_id, listed)
    # Numbers compare in a tenth of the time that moments take.
    columns = [column.cast("int64") if pa.types.is_timestamp(column.type) else column for column in rows.columns]
    records = zip(*(column.to_pylist() for column in columns), strict=True)
    unread = {"overwritten"} if source.allow_overwrites else set()
    left = set() if source.allow_overwrites else {"ignored"}
    changed = [
        path
        for path, state, *version in records
        if state not in left and (state in unread or _differs(path, state, *version))
    ]
    known = file_state.current(flow_id, changed) if changed else {}
    return [_change(file, known[file.path], folder) for file in present(changed)]


def _change(file: LandedFile, known: FileRecord, folder: Path) -> FileChange:
    return FileChange(file, known, _digest(file.path, str(folder)) if _was_read(known.state) else "")


def _was_read(state: str) -> bool:
    return state not in {"set aside", "missing", "ignored"}


def _differs(path: str, state: str, size: int, modified: int, status_changed: int | None) -> bool:
    try:
        found = version_of(path)
    except FileNotFoundError:
        return False
    return found[:2] != (size, modified) or (state == "set aside" and found[2] != status_changed)


def _digest(path: str, folder: str) -> str:
    try:
        return sha256_of(path, folder)
    except OSError as error:
        return f"unknown ({error.strerror})"
