"""Numbered lists of files, one for each batch that will read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.foundation.durable_file import create_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class FileList:
    """The files that one batch reads, and when they were found."""

    discovered_at: datetime
    paths: list[str]


class FileLists:
    """The lists of one flow, numbered from 0 without a gap; old ones are deleted from the beginning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def numbers(self) -> list[int]:
        """Return the numbers of the lists that are kept, in order."""
        return sorted(int(file.stem) for file in self.folder.glob("[0-9]*.json"))

    def file(self, number: int) -> Path:
        """Return the file of a list, whether it exists or not."""
        return self.folder / f"{number:010}.json"

    def read(self, number: int) -> FileList:
        """Return a list.

        Raises:
            FileNotFoundError: It does not exist.
        """
        content = json.loads(self.file(number).read_text(encoding="utf-8"))
        return FileList(datetime.fromisoformat(content["discovered_at"]), content["paths"])

    def create(self, number: int, files: FileList) -> None:
        """Write a list; it is on disk when this returns.

        Raises:
            FileExistsError: Another writer has taken the number.
        """
        content = {"discovered_at": files.discovered_at.isoformat(), "paths": files.paths}
        create_file(self.file(number), json.dumps(content))

    def delete(self, numbers: Iterable[int]) -> None:
        """Delete lists."""
        for number in numbers:
            self.file(number).unlink(missing_ok=True)
