"""The landing zone: what stands there now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.ingest.source import FilesSource


@dataclass(frozen=True)
class LandedFile:
    """A file as it stood when it was looked at.

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
        """Return what stands at a path now: the file that it leads to, else the link itself.

        Raises:
            FileNotFoundError: Nothing does.
        """
        try:
            status = os.stat(path)  # noqa: PTH116 - a path that came as text
        except OSError:
            status = os.lstat(path)
        return cls(path, status.st_size, _moment(status.st_mtime_ns), _moment(status.st_ctime_ns))

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def shown(self) -> str:
        """The path as text that any table can hold."""
        return os.fsencode(self.path).decode(errors="backslashreplace")


def suffixes(source: FilesSource) -> tuple[str, str]:
    """Return the endings of the files that a source reads."""
    return source.format, f"{source.format}.gz"


def standing(folder: Path, source: FilesSource) -> Iterator[LandedFile]:
    """Yield what stands in a folder now under a name that the source reads, folders and broken links too."""
    if not folder.is_dir():
        return
    endings = tuple(f".{suffix}" for suffix in suffixes(source))
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")) or not entry.name.endswith(endings):
                continue
            try:
                yield LandedFile.found_at(str(folder / entry.name))
            except FileNotFoundError:
                continue


def _moment(nanoseconds: int) -> datetime:
    # Milliseconds, so that a moment survives every way that it is stored and compared.
    return datetime.fromtimestamp(nanoseconds // 1_000_000 / 1e3, UTC)
