"""What a power failure would leave, judged by what was flushed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Synced:
    """Notes the content of every file, and the names in every folder, that are flushed to disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._files: set[int] = set()
        self._names: dict[int, dict[str, int]] = {}
        real = os.fsync

        def noted(descriptor: int) -> None:
            real(descriptor)
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                with os.scandir(descriptor) as entries:
                    self._names[status.st_ino] = {entry.name: entry.inode() for entry in entries}
            else:
                self._files.add(status.st_ino)

        monkeypatch.setattr(os, "fsync", noted)

    def survives(self, file: Path, below: Path) -> bool:
        """Return whether a power failure would keep a file, its name, and every folder between it and an older one."""
        named = [file, *(folder for folder in file.parents if folder != below and folder.is_relative_to(below))]
        return file.stat().st_ino in self._files and all(
            self._names.get(path.parent.stat().st_ino, {}).get(path.name) == path.stat().st_ino for path in named
        )
