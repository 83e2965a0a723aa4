"""The commits of a Delta table as they stand in its log, one JSON file each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

    @cached_property
    def info(self) -> dict[str, Any]:
        """What its writer says of it; empty where it says nothing."""
        # It comes first: of a commit of thousands of files one line is read.
        return next((action["commitInfo"] for action in self.actions() if "commitInfo" in action), {})

    @cached_property
    def note(self) -> dict[str, Any]:
        """The object that it carries as Delta's `userMetadata`; empty where that is no object, or missing."""
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
        files = size = 0
        for file in self.files():
            commit = Commit(file)
            if int(file.stem) < version or any("remove" in action for action in commit.actions()):
                continue
            added = commit.added_sizes()
            files, size = files + len(added), size + sum(added)
        return files, size

    def rows_since(self, version: int) -> int | None:
        """Return how many rows commits have added from a version on, or None where the log does not tell."""
        files = self.files()
        if not files or int(files[0].stem) > version:
            return None
        counts = [Commit(file).added_rows() for file in files if int(file.stem) >= version]
        return None if None in counts else sum(count for count in counts if count)

    def is_whole(self) -> bool:
        """Whether it goes back to the table's first commit."""
        return self.file(0).exists()

    def has_its_beginning(self) -> bool:
        """Whether it goes back to the first commit, or to one from where on a checkpoint holds what was before."""
        return self.is_whole() or any((self.table / "_delta_log").glob("*.checkpoint*"))

    def is_cut_after(self, milliseconds: int) -> bool:
        """Whether commits have been deleted that may have been made after a moment, in milliseconds after 1970."""
        oldest = next(iter(self.files()), None)
        return not self.is_whole() and (oldest is None or int(Commit(oldest).info.get("timestamp", 0)) > milliseconds)

    def has_only_grown(self) -> bool:
        """Whether it is whole and short, and no commit took a row away or changed the columns."""
        files = self.files()
        if not self.is_whole() or len(files) > _FEW_COMMITS:
            return False
        kinds = [kind for file in files for action in Commit(file).actions() for kind in action]
        return "remove" not in kinds and kinds.count("metaData") == 1
