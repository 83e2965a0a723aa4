"""The landing zone: which files are there now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class LandedFile:
    """A file as it was when it was looked at.

    Attributes:
        path: As Python spells it; bytes of a name that are not UTF-8 are lone surrogates.
        modified_at: To the millisecond.
        status_changed_at: When its content, its owner or its permissions last changed.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    status_changed_at: datetime

    @classmethod
    def found_at(cls, path: str) -> LandedFile:
        """Return what is at a path now: the file that it leads to, else the link itself.

        Raises:
            FileNotFoundError: Nothing is there.
        """
        size, *moments = version_of(path)
        return cls(path, size, *(datetime.fromtimestamp(moment / 1e6, UTC) for moment in moments))

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def shown(self) -> str:
        """The path as text that any table can hold."""
        return shown(self.path)


def shown(path: str) -> str:
    """Return a path as text that any table can hold."""
    return path if path.isascii() else os.fsencode(path).decode(errors="backslashreplace")


def present(paths: list[str]) -> list[LandedFile]:
    """Return those of some files that are there, oldest first."""
    files = []
    for path in paths:
        try:
            files.append(LandedFile.found_at(path))
        except FileNotFoundError:
            continue
    return sorted(files, key=lambda file: (file.modified_at, file.path))


def version_of(path: str) -> tuple[int, int, int]:
    """Return the size of what is at a path, and when its content and its status changed, in microseconds after 1970.

    Raises:
        FileNotFoundError: Nothing is there.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a path that came as text
    except OSError:
        status = os.lstat(path)
    # Whole milliseconds, so that a moment survives every way that it is stored and compared.
    modified, changed = status.st_mtime_ns // 1_000_000, status.st_ctime_ns // 1_000_000
    return status.st_size, modified * 1000, changed * 1000
