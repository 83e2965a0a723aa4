"""Which snapshots a table has taken: the version of each of its batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.declare.snapshot_flow import Version

_KINDS: dict[str, Callable[[Any], Version]] = {
    "int": int, "float": float, "str": str, "date": date.fromisoformat, "datetime": datetime.fromisoformat,
}  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """One snapshot that a table takes as a batch.

    Attributes:
        batch_id: The batch.
        version: The snapshot's version.
    """

    batch_id: int
    version: Version


@dataclass(frozen=True)
class SnapshotRecord:
    """Remembers the newest snapshot that a table has taken, and one that it is about to take.

    A batch is planned before its commit and done after it. What a kill leaves planned is done if the table has its
    commit; otherwise nothing of it was written, and the batch is planned anew.

    Attributes:
        file: Where this is kept, for one identity of the flow.
        name: The table.
    """

    file: Path
    name: str

    @property
    def exists(self) -> bool:
        """Whether a batch was ever planned."""
        return self.file.exists()

    def shape(self) -> Any:
        """Return the declaration that the snapshots were taken with."""
        return self._read().get("shape")

    def newest(self, committed: int) -> Taken | None:
        """Return the newest snapshot that was taken, or None.

        Args:
            committed: The newest batch that the table has a commit of.
        """
        recorded = self._read()
        planned, done = (_taken(recorded.get(key)) for key in ("planned", "done"))
        return planned if planned is not None and planned.batch_id <= committed else done

    def plan(self, taken: Taken, done: Taken | None, shape: Any) -> None:
        """Remember that a snapshot is about to be taken."""
        self._write(shape, planned=taken, done=done)

    def finish(self, taken: Taken, shape: Any) -> None:
        """Remember that a snapshot was taken, whether it changed rows or not."""
        self._write(shape, planned=None, done=taken)

    def _write(self, shape: Any, **snapshots: Taken | None) -> None:
        written = {key: _json(taken) for key, taken in snapshots.items() if taken is not None}
        replace_file(self.file, json.dumps({"shape": shape, **written}))

    def _read(self) -> dict[str, Any]:
        """Return the file's content; nothing where there is no file.

        Raises:
            DamagedStateError: The file is damaged.
        """
        if not self.file.exists():
            return {}
        try:
            recorded: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
            for key in ("planned", "done"):
                _taken(recorded.get(key))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"Which snapshots `{self.name}` has taken cannot be read: {self.file}: {error}."
            remedy = f"Restore the file, or rebuild with `python -m pipeline run --full-refresh {self.name}`."
            raise DamagedStateError(problem, remedy) from error
        return recorded


def _json(taken: Taken) -> dict[str, Any]:
    version = taken.version
    kind = "datetime" if isinstance(version, datetime) else type(version).__name__
    value = version.isoformat() if isinstance(version, date) else version
    return {"batch": taken.batch_id, "type": kind, "version": value}


def _taken(recorded: Any) -> Taken | None:
    if recorded is None:
        return None
    return Taken(int(recorded["batch"]), _KINDS[recorded["type"]](recorded["version"]))
