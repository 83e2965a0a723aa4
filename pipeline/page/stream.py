"""Server-sent events: a word to the browser whenever something has changed, whoever changed it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.commit_log import CommitLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from pipeline.page.runner import RunnerStatus

POLL_SECONDS = 0.25
_HEARTBEAT_POLLS = 40


class Watched:
    """The newest version of a Delta table, found by asking for the next one's file: one look at the disk each."""

    def __init__(self, path: Path) -> None:
        self._log = CommitLog(path)
        self._next = 0
        self._inode: int | None = None

    def version(self) -> int:
        """Return the newest version, or -1 where there is no table."""
        try:
            inode = (self._log.table / "_delta_log").stat().st_ino
        except OSError:
            self._next, self._inode = 0, None
            return -1
        if inode != self._inode:
            # The table is new, or another one stands in its place.
            names = (int(file.stem) for file in self._log.files())
            self._next, self._inode = max(names, default=-1) + 1, inode
        while self._log.file(self._next).exists():
            self._next += 1
        return self._next - 1


async def changes(
    status: Callable[[], RunnerStatus], tables: Iterable[Path], is_ending: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield a server-sent event at once, and again whenever the page's process or one of the tables has changed.

    The event names what changed; whoever listens asks for what it shows.
    """
    watched = {path.name: Watched(path) for path in tables}
    before: dict[str, object] = {}
    silent = 0
    while not is_ending():
        now: dict[str, object] = {name: table.version() for name, table in watched.items()}
        now["runner"] = asdict(await asyncio.to_thread(status))
        changed = [name for name, value in now.items() if before.get(name) != value]
        silent += 1
        if changed:
            data = json.dumps({"changed": changed, "runner": now["runner"]})
            yield f"event: change\ndata: {data}\n\n"
            before, silent = now, 0
        elif silent >= _HEARTBEAT_POLLS:
            yield ": still here\n\n"
            silent = 0
        await asyncio.sleep(POLL_SECONDS)
