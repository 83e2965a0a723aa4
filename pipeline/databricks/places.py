"""Where on this machine the paths of a source are, and the tables from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.databricks.names import parts_of
from pipeline.foundation.errors import NoDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# How paths of Databricks begin; anything else is a path of this machine.
_ELSEWHERE = re.compile(r"/(Volumes|databricks-datasets|mnt|dbfs|FileStore|Workspace)(/|$)|[A-Za-z][A-Za-z0-9+.-]+:")
_PATTERN = re.compile(r"[*?\[{]")
_FORMATS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".orc": "orc", ".txt": "text"}


@dataclass(frozen=True)
class Places:
    """What the settings name in the place of paths and tables.

    Attributes:
        folder: The folder of the settings file.
        paths: Folders of this machine, by the beginning of the paths that they stand for.
        tables: Files of this machine, by the outside table that they stand for.
    """

    folder: Path
    paths: Mapping[str, Path]
    tables: Mapping[str, Path]

    def local(self, path: str) -> Path:
        """Return the place on this machine that a source's path means; a pattern keeps its signs.

        Raises:
            NoDataError: No beginning of it is among the settings' `paths`.
        """
        wanted = _plain(path)
        for beginning, folder in sorted(self.paths.items(), key=lambda item: -len(item[0])):
            start = _plain(beginning)
            if wanted == start or wanted.startswith(f"{start}/"):
                return folder / wanted[len(start) :].lstrip("/")
        if stands_elsewhere(path):
            problem = f"`{path}` stands nowhere on this machine."
            beginning = path if path.endswith("/") else f"{path}/"
            name = _PATTERN.split(wanted, maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1] or "files"
            remedy = f'Name a folder in the settings, such as `paths: {{"{beginning}": landing/{name}}}`.'
            raise NoDataError(problem, remedy)
        return self.folder / path

    def table(self, written: str, full: str) -> tuple[Path, str] | None:
        """Return the file or folder that stands for an outside table, and its format, or None.

        Args:
            written: The name as the source has it.
            full: The same with its catalog and schema.
        """
        names = {".".join(parts_of(name)): path for name, path in self.tables.items()}
        parts = full.split(".")
        for name in (".".join(parts_of(written)), full, ".".join(parts[1:]), parts[-1]):
            if name in names:
                return names[name], _format_of(names[name])
        return None


def stands_elsewhere(path: str) -> bool:
    """Return whether a path is one of Databricks' or of a store, which only the settings can place here."""
    return bool(_ELSEWHERE.match(path))


def is_pattern(path: Path) -> bool:
    """Return whether a path has signs that stand for several names."""
    return bool(_PATTERN.search(str(path)))


def _plain(path: str) -> str:
    """Return a path in the one form that its spellings share, without a slash at the end."""
    plain = re.sub(r"^(dbfs:|/dbfs(?=/))", "", path)
    plain = re.sub(r"^s3[an]://", "s3://", plain)
    return plain.rstrip("/") or "/"


def _format_of(path: Path) -> str:
    if (path / "_delta_log").is_dir():
        return "delta"
    if path.is_dir():
        endings = [child.suffix for child in sorted(path.iterdir()) if child.suffix in _FORMATS]
        return _FORMATS[endings[0]] if endings else "parquet"
    return _FORMATS.get(path.suffix.lower(), "parquet")
