"""The landing zone of one table and its archive: which files a batch takes, and what is known of every file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.ingest.changes import FileChange, changes
from pipeline.ingest.discovery import Discovery
from pipeline.ingest.file_state import FileRecord, FileState, missing_record
from pipeline.ingest.landing import LandedFile, present

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.checkpoint.position import Position
    from pipeline.declare.files_source import FilesSource
    from pipeline.delta.batch import Batch
    from pipeline.home.places import Home


class Archive:
    """Moves files between a landing folder and the archive folder beside the landing zone."""

    def __init__(self, landing: Path, archive: Path) -> None:
        self._landing = landing
        self._archive = archive

    def has(self, path: str) -> bool:
        """Return whether a file is in the landing zone or in the archive."""
        name = self._name(path)
        return os.path.lexists(self._landing / name) or (self._archive / name).exists()

    def restore(self, path: str) -> bool:
        """Return whether a file is in the landing zone, after it was brought back from the archive if it was there."""
        landed, archived = self._landing / self._name(path), self._archive / self._name(path)
        if not os.path.lexists(landed) and archived.exists():
            landed.parent.mkdir(parents=True, exist_ok=True)
            archived.rename(landed)
        return os.path.lexists(landed)

    def restore_all(self) -> None:
        """Bring every archived file back into the landing zone."""
        for file in sorted(self._archive.rglob("*")):
            if not file.is_dir():
                self.restore(f"{self._landing / file.relative_to(self._archive)}")

    def clean(self, source: FilesSource, files: dict[str, FileRecord], now: datetime) -> int:
        """Archive or delete, as the source says, what was committed longer ago than its retention.

        Files that were set aside, or came again in another version, stay where an operator will look for them. Links
        stay too: elsewhere they would lead nowhere.
        A second version that was read takes its first one's place in the archive.

        Returns:
            How many files were taken out of the landing zone.
        """
        taken = 0
        for record in files.values():
            file = self._landing / self._name(record.path)
            is_due = record.committed_at is not None and now - record.committed_at >= source.clean_source_retention
            if record.state != "ingested" or not is_due or file.is_symlink() or not _is_as_read(file, record):
                continue
            if source.clean_source == "archive":
                archived = self._archive / self._name(record.path)
                archived.parent.mkdir(parents=True, exist_ok=True)
                file.rename(archived)
            else:
                file.unlink()
            taken += 1
        return taken

    def _name(self, path: str) -> str:
        """Return a file's path below the landing folder."""
        below = f"{self._landing}/"
        return path.removeprefix(below) if path.startswith(below) else path.rsplit("/", 1)[-1]


def _is_as_read(file: Path, record: FileRecord) -> bool:
    try:
        found = LandedFile.found_at(str(file))
    except FileNotFoundError:
        return False
    return (found.size_bytes, found.modified_at) == (record.size_bytes, record.modified_at)


class LandingZone:
    """A folder of landing files, the archive beside it, and the record of each file."""

    def __init__(self, home: Home, source: FilesSource, file_state: FileState, position: Position) -> None:
        self.folder = home.landing_of(source.path)
        self._source = source
        self._file_state = file_state
        self._position = position
        self._archive = Archive(self.folder, home.archive_of(source.path))

    def discovery(self) -> Discovery:
        """Return what finds new files for the flow's checkpoint."""
        return Discovery(self.folder, self._source, self._position, self._file_state)

    def files_of(self, batch: Batch, now: datetime) -> tuple[list[LandedFile], dict[str, datetime], list[FileRecord]]:
        """Return a batch's files as they are now, when each was discovered, and records of those that are gone."""
        discovered = dict(self.discovery().files_of(batch.batch_id))
        files = present(list(discovered))
        there = {file.path for file in files}
        gone = [path for path in discovered if path not in there]
        return files, discovered, [missing_record(path, discovered[path], batch, now) for path in gone]

    def known(self, paths: list[str] | None = None) -> dict[str, FileRecord]:
        """Return the newest record of each file that the flow has taken, or of those with some paths."""
        return self._file_state.current(self._position.flow_id(), paths) if self._position.exists else {}

    def add(self, records: list[FileRecord]) -> None:
        """Add records; those of one batch are added once."""
        self._file_state.add(records)

    def due_again(self, update_id: str, *, every_one: bool) -> list[str]:
        """Return the files to be read again: those not read that changed, and overwritten ones where allowed.

        Other versions that must not be read are recorded, and so is the same version that came again. Anything but a
        file (a folder, a broken link) is not tried again until it is one.

        Args:
            update_id: The update that finds the files.
            every_one: Whether set-aside files are retried although they have not changed.
        """
        if not self._position.exists:
            return []
        again, noted = [], []
        for change in self._changes():
            if not change.was_read or (self._source.allow_overwrites and not change.is_same):
                again.append(change.file.path)
            else:
                noted.append(change.record(update_id))
        self.add(noted)
        if every_one:
            again += [path for path, file in self.known().items() if file.state == "set aside"]
        return [path for path in dict.fromkeys(again) if os.path.isfile(path)]  # noqa: PTH113 - paths as text

    def without_rows(self, paths: list[str]) -> list[str]:
        """Return those of some files that no row came from."""
        known = self.known(paths)
        return [path for path in paths if path not in known or not known[path].rows]

    def named(self, names: set[str], since: datetime | None) -> list[str]:
        """Return the files read that have one of the names or paths, or were committed since a moment.

        A path may begin below the landing folder.
        """
        if not names and since is None:
            return []
        return [
            path
            for path, file in self.known().items()
            if file.state != "ignored"
            and (
                path in names
                or path.removeprefix(f"{self.folder}/") in names
                or path.rsplit("/", 1)[-1] in names
                or (since is not None and file.committed_at is not None and file.committed_at >= since)
            )
        ]

    def lost(self, held: set[str]) -> list[str]:
        """Return which of the files that a table holds rows of cannot be read again as they were."""
        overwritten = {path for path, file in self.known().items() if file.state == "overwritten"}
        for change in self._changes() if self._position.exists else []:
            if change.was_read:
                (overwritten.discard if change.is_same else overwritten.add)(change.file.path)
        if self._source.allow_overwrites:
            overwritten.clear()
        return sorted(path for path in held if path in overwritten or not self._archive.has(path))

    def restore(self, path: str) -> bool:
        """Return whether a file is in the landing zone, after it was brought back from the archive if it was there."""
        return self._archive.restore(path)

    def begin_anew(self, flow_id: str) -> None:
        """Have another flow find every file that this one has taken, and no other one that it has left.

        Archived files are brought back. Doing it again changes nothing.
        """
        self._archive.restore_all()
        if self._position.exists:
            self.discovery().begin(flow_id)

    def _changes(self) -> list[FileChange]:
        return changes(self._file_state, self._position.flow_id(), self.folder, self._source)

    def clean(self, now: datetime) -> int:
        """Archive or delete files as the source says, and return how many."""
        return self._archive.clean(self._source, self.known(), now) if self._source.clean_source != "off" else 0
