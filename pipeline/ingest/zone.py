"""The landing zone of one table: which files a batch takes, and what is known of every file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.ingest.archive import Archive
from pipeline.ingest.changes import changes
from pipeline.ingest.discovery import Discovery
from pipeline.ingest.file_state import FileRecord, FileState, missing_record
from pipeline.ingest.landing import LandedFile

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.batch import Batch
    from pipeline.flows.position import Position
    from pipeline.home import Home
    from pipeline.ingest.source import FilesSource


class LandingZone:
    """A folder of landing files, the archive beside it, and the record of each file."""

    def __init__(self, home: Home, source: FilesSource, file_state: FileState, position: Position) -> None:
        self.folder = home.landing / source.path
        self._source = source
        self._file_state = file_state
        self._position = position
        self._archive = Archive(self.folder, home.root / "archive" / source.path)

    def discovery(self) -> Discovery:
        """Return what finds new files for the flow's checkpoint."""
        return Discovery(self.folder, self._source, self._position.checkpoint())

    def planned(self, batch: Batch, now: datetime) -> tuple[list[LandedFile], dict[str, datetime], list[FileRecord]]:
        """Return a batch's files as they stand, when each was discovered, and records of those that are gone."""
        discovered = dict(self.discovery().planned(batch.batch_id))
        files = present(list(discovered))
        there = {file.path for file in files}
        gone = [path for path in discovered if path not in there]
        return files, discovered, [missing_record(path, discovered[path], batch, now) for path in gone]

    def known(self) -> dict[str, FileRecord]:
        """Return the newest record of each file that the flow has taken."""
        return self._file_state.current(self._position.flow_id()) if self._position.exists else {}

    def note(self, records: list[FileRecord]) -> None:
        """Add records; those of one batch are added once."""
        self._file_state.add(records)

    def due_again(self, update_id: str, *, every_one: bool) -> list[str]:
        """Return the files to be read again: those not read that changed, and overwritten ones where allowed.

        Other versions that are not to be read are put on record. What is no file (a folder, a link that leads
        nowhere) is not tried again until it is one.

        Args:
            update_id: The update that finds them.
            every_one: Whether set-aside files are retried although they have not changed.
        """
        known = self.known()
        again = []
        for change in changes(known, self.folder, self._source):
            if self._source.allow_overwrites or not change.was_read:
                again.append(change.file.path)
            else:
                self.note([change.record(self._position.flow_id(), update_id)])
        if every_one:
            again += [path for path, file in known.items() if file.state == "set aside"]
        return [path for path in dict.fromkeys(again) if os.path.isfile(path)]  # noqa: PTH113 - paths as text

    def without_rows(self, paths: list[str]) -> list[str]:
        """Return those of some files that no row came from."""
        known = self.known()
        return [path for path in paths if path not in known or not known[path].rows]

    def named(self, names: set[str], since: datetime | None) -> list[str]:
        """Return the files read that bear one of the names or paths, or were committed since a moment."""
        return [
            path
            for path, file in self.known().items()
            if path in names
            or path.rsplit("/", 1)[-1] in names
            or (since is not None and file.committed_at is not None and file.committed_at >= since)
        ]

    def lost(self, held: set[str]) -> list[str]:
        """Return which of the files that a table holds rows of cannot be read again as they were."""
        overwritten = {path for path, file in self.known().items() if file.state == "overwritten"}
        return sorted(path for path in held if path in overwritten or not self._archive.has(path))

    def restore(self, path: str) -> bool:
        """Tell whether a file stands in the landing zone, brought back from the archive if it was there."""
        return self._archive.restore(path)

    def restore_all(self) -> None:
        """Bring every archived file back into the landing zone."""
        self._archive.restore_all()

    def clean(self, now: datetime) -> int:
        """Archive or delete files as the source says, and return how many."""
        return self._archive.clean(self._source, self.known(), now)


def present(paths: list[str]) -> list[LandedFile]:
    """Return those of some files that are there, oldest first."""
    files = []
    for path in paths:
        try:
            files.append(LandedFile.found_at(path))
        except FileNotFoundError:
            continue
    return sorted(files, key=lambda file: (file.modified_at, file.path))
