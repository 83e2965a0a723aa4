"""Where a flow stands: its identity and the folder of its checkpoint."""

from __future__ import annotations

import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tables import Table

# Both of Structured Streaming's logs begin with their version.
_FIRST_LINE = "v1"


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
            DamagedStateError: The file that holds it is damaged.
        """
        if not self._file.exists():
            return self.renew()
        try:
            return str(json.loads(self._file.read_text(encoding="utf-8"))["flow_id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"The flow's identity cannot be read: {self._file}: {error}."
            raise DamagedStateError(problem, self._remedy()) from error

    def renew(self, flow_id: str | None = None) -> str:
        """Give the flow a new identity and an empty checkpoint, and return the identity."""
        flow_id = flow_id or str(uuid.uuid4())
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

    def planned_batch(self) -> int:
        """Return the newest batch that the checkpoint has fixed, or -1."""
        return max(_numbered(self.checkpoint() / "offsets"), default=-1)

    def planned_at(self) -> int:
        """Return when the newest batch was fixed, in milliseconds after 1970; 0 where that does not stand there."""
        try:
            settings = json.loads(self._plan_lines(self.planned_batch())[1])
        except (IndexError, ValueError):
            return 0
        return int(settings.get("batchTimestampMs", 0)) if isinstance(settings, dict) else 0

    def offsets(self, batch_id: int) -> list[dict[str, Any]]:
        """Return where a batch ends in each source of its flow, as Spark puts it; none where it was not fixed."""
        lines = self._plan_lines(batch_id)[2:]
        return [json.loads(line) if line.startswith("{") else {} for line in lines]

    def check(self, table: Table) -> None:
        """Check that the checkpoint is whole and belongs to what the table holds.

        Raises:
            DamagedStateError: Files of it are gone or cut short, or the table has rows that it knows nothing of.
        """
        planned = _numbered(self.checkpoint() / "offsets")
        known = max(planned, default=-1)
        for file in self._broken_files(planned):
            problem = f"The checkpoint of `{self.folder.name}` is damaged: {file} is gone or cut short."
            raise DamagedStateError(problem, self._remedy())
        if not table.exists:
            return
        committed = table.committed_batch(self.flow_id())
        if committed > known or (committed < 0 and table.row_count() > 0):
            problem = (
                f"The checkpoint of `{table.path.name}` is gone or cut short: {self.folder} knows batches up to "
                f"{known}, the table has batch {committed}."
            )
            raise DamagedStateError(problem, self._remedy())

    def _broken_files(self, planned: list[int]) -> list[Path]:
        """Return what the checkpoint lacks of what Structured Streaming needs to go on from it."""
        if not planned:
            return []
        folder = self.checkpoint()
        newest = [folder / "offsets" / str(number) for number in sorted(planned)[-2:]]
        broken = [] if _is_json(folder / "metadata") else [folder / "metadata"]
        broken += [file for file in newest if not _is_log(file)]
        done = self.done_batch()
        if max(planned) - done > 1:
            broken.append(folder / "commits" / str(max(planned) - 1))
        elif done >= 0 and not _is_log(folder / "commits" / str(done)):
            broken.append(folder / "commits" / str(done))
        return broken or self._broken_file_lists()

    def _broken_file_lists(self) -> list[Path]:
        """Return which lists of files that were read are gone; a source of tables keeps none."""
        try:
            (offset, *_) = self.offsets(self.planned_batch())
        except ValueError:
            # There is none, or it is no JSON.
            return []
        if "logOffset" not in offset:
            return []
        folder = self.checkpoint() / "sources" / "0"
        compacted = max((int(file.stem) for file in folder.glob("[0-9]*.compact")), default=None)
        first = 0 if compacted is None else compacted + 1
        needed = [folder / str(number) for number in range(first, int(offset["logOffset"]) + 1)]
        if compacted is not None:
            needed.append(folder / f"{compacted}.compact")
        return [file for file in needed if not _is_log(file)]

    def _plan_lines(self, batch_id: int) -> list[str]:
        """Return the lines of a batch's plan: version, settings, one for each source."""
        plan = self.checkpoint() / "offsets" / str(batch_id)
        return plan.read_text(encoding="utf-8").splitlines() if plan.exists() else []

    def _remedy(self) -> str:
        name = self.folder.name
        return f"Restore the folder, or rebuild with `python -m pipeline run --full-refresh {name}`."


def _numbered(folder: Path) -> list[int]:
    return [int(file.name) for file in folder.glob("[0-9]*") if file.name.isdigit()]


def _is_log(file: Path) -> bool:
    try:
        return file.read_text(encoding="utf-8").splitlines()[:1] == [_FIRST_LINE]
    except (OSError, ValueError):
        return False


def _is_json(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
