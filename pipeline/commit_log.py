"""The commits of a Delta table as they stand in its log, one JSON file each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A log of so many commits is read in milliseconds.
_FEW_COMMITS = 100


@dataclass(frozen=True)
class CommitLog:
    """What a table's log still holds: Delta deletes commits after a month, once a checkpoint has taken them in."""

    table: Path

    def files(self) -> list[Path]:
        """Return the commits' files in order."""
        return sorted((self.table / "_delta_log").glob("[0-9]" * 20 + ".json"))

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """Yield each commit's `commitInfo`, or an empty one where it has none, newest first."""
        return (_info(file) for file in reversed(self.files()))

    def added_since(self, version: int) -> tuple[int, int]:
        """Return how many files, of how many bytes, commits have added from a version on, as far as the log goes back.

        Commits that took rows away are left out: they bring a stream nothing.
        """
        files = size = 0
        for file in self.files():
            if int(file.stem) < version:
                continue
            actions = list(_actions(file))
            if any("remove" in action for action in actions):
                continue
            added = [action["add"]["size"] for action in actions if action.get("add", {}).get("dataChange")]
            files, size = files + len(added), size + sum(added)
        return files, size

    def is_whole(self) -> bool:
        """Whether it goes back to the table's first commit."""
        return (self.table / "_delta_log" / f"{0:020}.json").exists()

    def is_cut_after(self, milliseconds: int) -> bool:
        """Whether commits have been deleted that may have been made after a moment, in milliseconds after 1970."""
        oldest = next(iter(self.files()), None)
        return not self.is_whole() and (oldest is None or int(_info(oldest).get("timestamp", 0)) > milliseconds)

    def has_only_grown(self) -> bool:
        """Whether it is whole and short, and no commit took a row away or changed the columns."""
        files = self.files()
        if not self.is_whole() or len(files) > _FEW_COMMITS:
            return False
        kinds = [kind for file in files for action in _actions(file) for kind in action]
        return "remove" not in kinds and kinds.count("metaData") == 1


def _info(file: Path) -> dict[str, Any]:
    # It comes first: of a commit of thousands of files one line is read.
    return next((action["commitInfo"] for action in _actions(file) if "commitInfo" in action), {})


def _actions(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
