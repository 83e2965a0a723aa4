"""What changes in the lakehouse, looked at once for all who follow."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.delta.commits import Watch
from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pipeline.home.schema_places import SchemaPlaces
    from pipeline.page.runner import Runner

MOST_FOLLOWERS = 100
_SECONDS_BETWEEN_LOOKS = 0.25
_SECONDS_TO_FIRST_LOOK = 0.02


class TooManyFollowersError(EnvironmentFaultError):
    """The page already sends its changes to as many as it can."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} others follow this page already.", "Close some of its windows, or try again later.")


class Changes:
    """The event log, the alerts' history and what the page itself runs, watched by one task while somebody follows.

    Args:
        schema: The places of the pipeline's schema.
        runner: What the page runs.
        most: How many may follow at once.
    """

    def __init__(self, schema: SchemaPlaces, runner: Runner, most: int = MOST_FOLLOWERS) -> None:
        self._runner = runner
        self._watched = {path.name: Watch(path) for path in (schema.event_log, schema.alert_evaluations)}
        self._most = most
        self._followers = 0
        self._seen: dict[str, object] = {}
        self._task: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Return if one more may follow.

        Raises:
            TooManyFollowersError: Too many follow already.
        """
        if self._followers >= self._most:
            raise TooManyFollowersError(self._most)

    async def follow(self, has_ended: Callable[[], bool]) -> AsyncIterator[tuple[list[str], object]]:
        """Yield at first, and after each change, what has changed and what the page runs."""
        self._followers += 1
        task = self._task = self._task or asyncio.create_task(self._look())
        before: dict[str, object] = {}
        try:
            while not has_ended() and not task.done():
                now = self._seen
                changed = [name for name, value in now.items() if before.get(name) != value]
                if changed:
                    yield changed, now["runner"]
                before = now
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS if now else _SECONDS_TO_FIRST_LOOK)
        finally:
            self._followers -= 1
            if not self._followers or task.done():
                task.cancel()
                self._task, self._seen = None, {}

    async def _look(self) -> None:
        while True:
            now: dict[str, object] = {name: table.version() for name, table in self._watched.items()}
            now["runner"] = asdict(await asyncio.to_thread(self._runner.status))
            self._seen = now
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
