"""Where a flow stands: its identity and the folder of its checkpoint."""

from __future__ import annotations

import json
import shutil
import uuid
from typing import TYPE_CHECKING

from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tables import Table


class Position:
    """The identity that a flow keeps until a full refresh, and the checkpoint that goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "flow.json"

    @property
    def exists(self) -> bool:
        """Whether the flow ever ran."""
        return self._file.exists()

    def flow_id(self) -> str:
        """Return the flow's identity; a flow that never ran gets one.

        Raises:
            EnvironmentFaultError: The file that holds it is damaged.
        """
        if not self._file.exists():
            return self.renew()
        try:
            return str(json.loads(self._file.read_text(encoding="utf-8"))["flow_id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"The flow's identity cannot be read: {self._file}: {error}."
            raise EnvironmentFaultError(problem, self._remedy()) from error

    def renew(self) -> str:
        """Give the flow a new identity and an empty checkpoint, and return the identity."""
        flow_id = str(uuid.uuid4())
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_suffix(".tmp")
        scratch.write_text(json.dumps({"flow_id": flow_id}), encoding="utf-8")
        scratch.replace(self._file)
        for stale in self.folder.iterdir():
            if stale.is_dir() and stale.name != flow_id:
                shutil.rmtree(stale, ignore_errors=True)
        return flow_id

    def checkpoint(self) -> Path:
        """Return the folder that Structured Streaming keeps the flow's progress in."""
        return self.folder / self.flow_id()

    def done_batch(self) -> int:
        """Return the newest batch that the checkpoint has passed, or -1."""
        return max(_numbered(self.checkpoint() / "commits"), default=-1)

    def check(self, table: Table) -> None:
        """Check that the checkpoint belongs to what the table holds.

        Raises:
            EnvironmentFaultError: The table has rows of a flow whose checkpoint is gone or cut short.
        """
        if not table.exists:
            return
        committed = table.committed_batch(self.flow_id())
        known = self._planned_batch()
        if committed > known or (committed < 0 and table.row_count() > 0):
            problem = (
                f"The checkpoint of `{table.path.name}` is gone or cut short: {self.folder} knows batches up to "
                f"{known}, the table has batch {committed}."
            )
            raise EnvironmentFaultError(problem, self._remedy())

    def _planned_batch(self) -> int:
        offsets = self.checkpoint() / "offsets"
        return max((int(file.name) for file in offsets.glob("[0-9]*")), default=-1)

    def _remedy(self) -> str:
        name = self.folder.name
        return f"Restore the folder, or rebuild with `python -m pipeline run --full-refresh {name}`."


def _numbered(folder: Path) -> list[int]:
    return [int(file.name) for file in folder.glob("[0-9]*") if file.name.isdigit()]
