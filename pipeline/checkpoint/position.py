"""Where a flow stands: its identity, and which batches its checkpoint has planned and passed."""

from __future__ import annotations

import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.delta.table import Table


# Each of Structured Streaming's logs begins with its version.
_FIRST_LINE = "v1"


class Position:
    """The identity that a flow keeps until a full refresh, and the checkpoint that goes with it.

    Nothing else parses what Structured Streaming writes into a checkpoint. A batch is planned once its offsets are
    written, and done once its commit is.
    """

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
        replace_file(self._file, json.dumps({"flow_id": flow_id}))
        for stale in self.folder.iterdir():
            if stale.is_dir() and stale.name != flow_id:
                shutil.rmtree(stale, ignore_errors=True)
        return flow_id

    def checkpoint(self) -> Path:
        """Return the folder that Structured Streaming keeps the flow's progress in."""
        return self.folder / self.flow_id()

    def done_batch(self) -> int:
        """Return the newest batch that is done, or -1."""
        return max(_numbered(self.checkpoint() / "commits"), default=-1)

    def planned_batch(self) -> int:
        """Return the newest batch that is planned, or -1."""
        return max(_numbered(self.checkpoint() / "offsets"), default=-1)

    def planned_at(self) -> int:
        """Return when the newest batch was planned, in milliseconds after 1970; 0 where the log does not say."""
        try:
            settings = json.loads(self._plan_lines(self.planned_batch())[1])
        except (IndexError, ValueError):
            return 0
        return int(settings.get("batchTimestampMs", 0)) if isinstance(settings, dict) else 0

    def offsets(self, batch_id: int) -> list[dict[str, Any]]:
        """Return where a batch ends in each source of its flow, as Spark puts it; empty if it is not planned."""
        lines = self._plan_lines(batch_id)[2:]
        return [json.loads(line) if line.startswith("{") else {} for line in lines]

    def newest_entry(self, batch_id: int) -> int:
        """Return the newest entry of a file source's log that a batch takes; -1 for the batch before the first.

        A batch takes the entries after those of the batch before it: one as a rule, more after a kill.
        """
        return int(self.offsets(batch_id)[0]["logOffset"]) if batch_id >= 0 else -1

    def broken_files(self) -> list[Path]:
        """Return the files that Structured Streaming needs to continue and that are gone or cut short."""
        planned = sorted(_numbered(self.checkpoint() / "offsets"))
        if not planned:
            return []
        metadata = self.checkpoint() / "metadata"
        newest = [self.checkpoint() / "offsets" / str(number) for number in planned[-2:]]
        broken = [] if _is_json(metadata) else [metadata]
        broken += [file for file in newest if not _is_log(file)]
        done, commits = self.done_batch(), self.checkpoint() / "commits"
        if planned[-1] - done > 1:
            broken.append(commits / str(planned[-1] - 1))
        elif done >= 0 and not _is_log(commits / str(done)):
            broken.append(commits / str(done))
        return broken or self._broken_entries(planned[-1])

    def _broken_entries(self, planned: int) -> list[Path]:
        """Return which entries of a file source's log are broken; a source of tables has none."""
        try:
            newest = self.newest_entry(planned)
        except (ValueError, IndexError, KeyError):
            return []
        folder = self.checkpoint() / "sources" / "0"
        # Spark joins old entries into one file from time to time.
        compacted = max((int(file.stem) for file in folder.glob("[0-9]*.compact")), default=None)
        first = 0 if compacted is None else compacted + 1
        needed = [folder / str(number) for number in range(first, newest + 1)]
        if compacted is not None:
            needed.append(folder / f"{compacted}.compact")
        return [file for file in needed if not _is_log(file)]

    def _plan_lines(self, batch_id: int) -> list[str]:
        """Return the lines of a batch's plan: version, settings, one for each source."""
        plan = self.checkpoint() / "offsets" / str(batch_id)
        return plan.read_text(encoding="utf-8").splitlines() if plan.exists() else []

    def check(self, table: Table, *others: str) -> None:
        """Check that the checkpoint is whole and belongs to what the table holds.

        Args:
            table: The table that the flow fills.
            others: Identities under which the flow also commits, in batches that no checkpoint numbers.

        Raises:
            DamagedStateError: Files of it are gone or cut short, or the table has rows that it knows nothing of.
        """
        for file in self.broken_files():
            problem = f"The checkpoint of `{self.folder.name}` is damaged: {file} is gone or cut short."
            raise DamagedStateError(problem, self._remedy())
        if not table.exists:
            return
        known, committed = self.planned_batch(), table.committed_batch(self.flow_id())
        is_ours = any(table.committed_batch(flow_id) >= 0 for flow_id in (self.flow_id(), *others))
        if committed > known or (not is_ours and table.row_count() > 0):
            problem = (
                f"The checkpoint of `{table.path.name}` is gone or cut short: {self.folder} knows batches up to "
                f"{known}, the table has batch {committed}."
            )
            raise DamagedStateError(problem, self._remedy())

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
