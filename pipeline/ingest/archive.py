"""Where ingested files go when the landing zone is cleaned, and how they come back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.ingest.landing import LandedFile

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.ingest.file_state import FileRecord
    from pipeline.ingest.source import FilesSource


class Archive:
    """Moves files between a landing folder and the archive folder beside the landing zone."""

    def __init__(self, landing: Path, archive: Path) -> None:
        self._landing = landing
        self._archive = archive

    def has(self, path: str) -> bool:
        """Tell whether a file stands in the landing zone or in the archive."""
        name = path.rsplit("/", 1)[-1]
        return os.path.lexists(self._landing / name) or (self._archive / name).exists()

    def restore(self, path: str) -> bool:
        """Tell whether a file stands in the landing zone, brought back from the archive if it was there."""
        name = path.rsplit("/", 1)[-1]
        if not os.path.lexists(self._landing / name) and (self._archive / name).exists():
            self._landing.mkdir(parents=True, exist_ok=True)
            (self._archive / name).rename(self._landing / name)
        return os.path.lexists(self._landing / name)

    def restore_all(self) -> None:
        """Bring every archived file back into the landing zone."""
        if self._archive.is_dir():
            for file in self._archive.iterdir():
                self.restore(file.name)

    def clean(self, source: FilesSource, files: dict[str, FileRecord], now: datetime) -> int:
        """Archive or delete, as the source says, what was committed longer ago than its retention.

        Files that were set aside, or came again in another version, stay where somebody will look for them.
        A second version that was read takes its first one's place in the archive.

        Returns:
            How many files were taken out of the landing zone.
        """
        if source.clean_source == "off":
            return 0
        taken = 0
        for record in files.values():
            file = self._landing / record.path.rsplit("/", 1)[-1]
            is_due = record.committed_at is not None and now - record.committed_at >= source.clean_source_retention
            if record.state != "ingested" or not is_due or not _is_as_read(file, record):
                continue
            if source.clean_source == "archive":
                self._archive.mkdir(parents=True, exist_ok=True)
                file.rename(self._archive / file.name)
            else:
                file.unlink()
            taken += 1
        return taken


def _is_as_read(file: Path, record: FileRecord) -> bool:
    try:
        stands = LandedFile.found_at(str(file))
    except FileNotFoundError:
        return False
    return (stands.size_bytes, stands.modified_at) == (record.size_bytes, record.modified_at)
