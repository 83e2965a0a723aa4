"""The log of a Delta table: its commits, one JSON file each, and whether there are new ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A log of so many commits is read in milliseconds.
_FEW_COMMITS = 100


@dataclass(frozen=True)
class Commit:
    """One commit of a table.

    Attributes:
        file: Its actions, one a line.
    """

    file: Path

    @property
    def version(self) -> int:
        """The version that it made."""
        return int(self.file.stem)

    @cached_property
    def info(self) -> dict[str, Any]:
        """What its writer says of it; empty where it says nothing."""
        # It comes first: of a commit of thousands of files one line is read.
        return next((action["commitInfo"] for action in self.actions() if "commitInfo" in action), {})

    @property
    def at(self) -> datetime | None:
        """When it was made, aware and in UTC, or None where it does not tell."""
        milliseconds = self.info.get("timestamp")
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The table's columns and properties, if it has set them."""
        with self.file.open(encoding="utf-8") as lines:
            # Most of a log is file names, which need not be parsed.
            return next((json.loads(line)["metaData"] for line in lines if line.startswith('{"metaData"')), None)

    @cached_property
    def note(self) -> dict[str, Any]:
        """The object in Delta's `userMetadata`; empty if that is missing or not an object."""
        try:
            note = json.loads(self.info.get("userMetadata") or "{}")
        except ValueError:
            # Somebody else's commit, with a text of their own.
            return {}
        return note if isinstance(note, dict) else {}

    def actions(self) -> Iterator[dict[str, Any]]:
        """Yield its actions in order."""
        with self.file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    def added_rows(self) -> int | None:
        """Return how many rows it has added, or None where it does not tell."""
        counts = [json.loads(file.get("stats") or "{}").get("numRecords") for file in self._added()]
        return None if None in counts else sum(counts)

    def added_sizes(self) -> list[int]:
        """Return the size in bytes of each file of rows that it has added."""
        return [file["size"] for file in self._added()]

    def added_files(self) -> list[Path]:
        """Return the paths of the files of rows that it has added."""
        return [self.file.parent.parent / unquote(file["path"]) for file in self._added()]

    def _added(self) -> list[dict[str, Any]]:
        return [action["add"] for action in self.actions() if action.get("add", {}).get("dataChange")]


@dataclass(frozen=True)
class CommitLog:
    """What a table's log still holds: Delta deletes commits after a month, once a checkpoint has taken them in."""

    table: Path

    def files(self) -> list[Path]:
        """Return the commits' files in order."""
        return sorted((self.table / "_delta_log").glob("[0-9]" * 20 + ".json"))

    def file(self, version: int) -> Path:
        """Return the file of a version's commit, whether it is there or not."""
        return self.table / "_delta_log" / f"{version:020}.json"

    def newest_first(self) -> Iterator[Commit]:
        """Yield the commits, newest first."""
        return map(Commit, reversed(self.files()))

    def added_since(self, version: int) -> tuple[int, int]:
        """Return how many files, of how many bytes, commits have added from a version on, as far as the log goes back.

        Commits that took rows away are left out: they bring a stream nothing.
        """
        commits = (commit for commit in map(Commit, self.files()) if commit.version >= version)
        added = [commit for commit in commits if not any("remove" in action for action in commit.actions())]
        sizes = [size for commit in added for size in commit.added_sizes()]
        return len(sizes), sum(sizes)

    def rows_since(self, version: int) -> int | None:
        """Return how many rows commits have added from a version on, or None where the log does not tell."""
        files = self.files()
        if not files or int(files[0].stem) > version:
            return None
        counts = [Commit(file).added_rows() for file in files if int(file.stem) >= version]
        return None if None in counts else sum(count for count in counts if count)

    def files_since(self, version: int) -> list[Path]:
        """Return the files of rows that commits have added from a version on."""
        return [path for file in self.files() if int(file.stem) >= version for path in Commit(file).added_files()]

    def is_whole(self) -> bool:
        """Whether it goes back to the table's first commit."""
        return self.file(0).exists()

    def has_its_beginning(self) -> bool:
        """Whether it goes back to the first commit, or to one from where on a checkpoint holds what was before."""
        return self.is_whole() or any((self.table / "_delta_log").glob("*.checkpoint*"))

    def has_only_grown(self) -> bool:
        """Whether it is whole and short, and no commit took a row away or changed the columns."""
        files = self.files()
        if not self.is_whole() or len(files) > _FEW_COMMITS:
            return False
        kinds = [kind for file in files for action in Commit(file).actions() for kind in action]
        return "remove" not in kinds and kinds.count("metaData") == 1


class Watch:
    """Follows a table's newest version.

    Each look reads the first line of the newest commit that is known and looks for the next one. The line names the
    writer and the moment: if it has changed, another table is in the folder.
    """

    def __init__(self, path: Path) -> None:
        self._log = CommitLog(path)
        self._table = 0
        self._version = -1
        self._line: bytes | None = None

    def version(self) -> int:
        """Return the newest version, or -1 if there is no table."""
        if self._line is None or self._first_line() != self._line:
            self._table += self._line is not None
            self._version = max((int(file.stem) for file in self._log.files()), default=-1)
        while self._log.file(self._version + 1).exists():
            self._version += 1
        self._line = self._first_line()
        return self._version

    def look(self) -> tuple[int, int] | None:
        """Return what changes with every commit, or None if there is no table.

        The first number changes only if another table has taken the folder; the second is the version.
        """
        version = self.version()
        return None if version < 0 else (self._table, version)

    def _first_line(self) -> bytes | None:
        try:
            with self._log.file(self._version).open("rb") as commit:
                return commit.readline()
        except OSError:
            return None
