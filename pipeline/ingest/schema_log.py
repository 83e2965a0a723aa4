"""The versioned schema of a folder's files: one readable file for each version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import DamagedStateError
from pipeline.records.columns import Column

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

# What stands for the file where a column came from the declaration.
HINTED = "schema_hints"


@dataclass(frozen=True)
class SchemaVersion:
    """The data columns from one moment on.

    Attributes:
        version: Counts from 1.
        columns: All data columns, in the order they came.
        added: For each column that this version brought, the file that brought it, or `schema_hints`.
        held_back: Keys that a revert took away; they stay in `_rescued_data`.
    """

    version: int
    columns: tuple[Column, ...]
    added: dict[str, str]
    created_at: datetime
    held_back: tuple[str, ...] = ()


class SchemaLog:
    """The versions of one flow's schema, in a folder of JSON files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[SchemaVersion]:
        """Return all versions, oldest first.

        Raises:
            DamagedStateError: A file of the log is damaged.
        """
        return [_parsed(file) for file in sorted(self.folder.glob("v*.json"))]

    def differences(self) -> list[dict[str, Any]]:
        """Return, for each version, its columns and what it added, removed and held back, oldest first.

        Raises:
            DamagedStateError: A file of the log is damaged.
        """
        found = []
        before: set[str] = set()
        for version in self.versions():
            types = {column.name: column.type for column in version.columns}
            found.append({
                "version": version.version,
                "created_at": version.created_at.isoformat(),
                "columns": [{"name": name, "type": column_type} for name, column_type in types.items()],
                "added": [
                    {"name": name, "type": types[name], "brought_by": version.added.get(name)}
                    for name in types
                    if name not in before
                ],
                "removed": sorted(before - set(types)),
                "held_back": list(version.held_back),
            })  # fmt: skip
            before = set(types)
        return found

    def latest(self) -> SchemaVersion | None:
        """Return the version in force, or None before the first.

        Raises:
            DamagedStateError: Its file is damaged.
        """
        files = sorted(self.folder.glob("v*.json"))
        return _parsed(files[-1]) if files else None

    def taken_away(self) -> tuple[Column, ...]:
        """Return the columns that a revert took away and no hint has brought back; tables still have them.

        Raises:
            DamagedStateError: A file of the log is damaged.
        """
        latest = self.latest()
        if latest is None or not latest.held_back:
            return ()
        ever = {column.name: column for version in self.versions() for column in version.columns}
        return tuple(ever[name] for name in latest.held_back if name in ever)

    def add(
        self,
        columns: tuple[Column, ...],
        added: dict[str, str],
        now: datetime,
        held_back: tuple[str, ...] = (),
    ) -> SchemaVersion:
        """Write the next version and return it; it is on disk when this returns."""
        latest = self.latest()
        version = SchemaVersion(latest.version + 1 if latest else 1, columns, added, now, held_back)
        content = {
            "version": version.version,
            "created_at": now.isoformat(),
            "columns": [{"name": column.name, "type": column.type} for column in columns],
            "added": added,
            "held_back": list(held_back),
        }
        replace_file(self.folder / f"v{version.version:05}.json", json.dumps(content, indent=2))
        return version

    def revert(self, now: datetime) -> SchemaVersion | None:
        """Take the newest columns that files brought back, and return the version without them.

        Their keys are held back: what files bring in them goes to `_rescued_data`, until a hint names them.
        None where no column in force came from a file.
        """
        brought: dict[str, int] = {}
        for version in self.versions():
            for name, file in version.added.items():
                brought[name] = 0 if file == HINTED else version.version
        latest = self.latest()
        newest = max((brought.get(column.name, 0) for column in latest.columns), default=0) if latest else 0
        if latest is None or not newest:
            return None
        gone = tuple(column.name for column in latest.columns if brought.get(column.name, 0) == newest)
        kept = tuple(column for column in latest.columns if column.name not in gone)
        return self.add(kept, {}, now, (*latest.held_back, *gone))


def _parsed(file: Path) -> SchemaVersion:
    from datetime import datetime  # noqa: PLC0415 - for parsing alone; nothing here asks for the time

    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return SchemaVersion(
            version=content["version"],
            columns=tuple(Column(item["name"], item["type"]) for item in content["columns"]),
            added=content["added"],
            created_at=datetime.fromisoformat(content["created_at"]),
            held_back=tuple(content.get("held_back", ())),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"The schema log is damaged: {file}: {error}."
        remedy = "Restore the file from a backup, or rebuild all with `python -m pipeline run --full-refresh-all`."
        raise DamagedStateError(problem, remedy) from error
