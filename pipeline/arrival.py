"""Updates that start when files have come."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from pipeline.errors import PipelineBusyError
from pipeline.ingest.inventory import file_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchdog.observers.api import BaseObserver

    from pipeline.home import Home
    from pipeline.settings import ArrivalSettings, Settings
    from pipeline.stop import Stop

_TICK_SECONDS = 0.2
_POLL_SECONDS = 1.0
# Some file systems (network mounts, some container volumes) tell nobody of changes.
POLLING_VARIABLE = "SMART_FACTORY_POLLING"


class Watch(Protocol):
    """Sees files come."""

    changes: int


class FolderWatch(FileSystemEventHandler):
    """Counts what changes in some folders; by asking again and again where the system does not tell.

    Attributes:
        changes: How many changes were seen so far.
    """

    def __init__(self, folders: list[Path]) -> None:
        self.changes = 0
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._folders = folders
        self._observer = self._observing()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Count a change of a file that an update would read."""
        path = str(getattr(event, "dest_path", "") or event.src_path)
        name = path.rsplit("/", 1)[-1]
        if not event.is_directory and event.event_type in {"created", "modified", "moved"} and name[:1] not in "._":
            self.changes += 1

    def close(self) -> None:
        """Watch no longer."""
        self._observer.stop()
        self._observer.join()

    def _observing(self) -> BaseObserver:
        if not os.environ.get(POLLING_VARIABLE):
            try:
                return self._started(Observer())
            except OSError:
                # The system has no watches left, or knows none.
                pass
        return self._started(PollingObserver(timeout=_POLL_SECONDS))

    def _started(self, observer: BaseObserver) -> BaseObserver:
        for folder in self._folders:
            observer.schedule(self, str(folder), recursive=False)
        observer.start()
        return observer


def landing_folders(home: Home, settings: Settings) -> list[Path]:
    """Return the folders that a pipeline's files land in."""
    return list(dict.fromkeys(home.landing / source.path for _, source in file_sources(settings)))


def run_on_arrival(
    watch: Watch, settings: ArrivalSettings, until: Stop, update: Callable[[str], None], say: Callable[[str], None]
) -> None:
    """Run an update now, and another whenever files have come and settled, one at a time, until asked to stop.

    Args:
        watch: Sees files come.
        settings: How long files settle, and after how long an update runs without any.
        until: Asks for the end.
        update: Runs one update; is told why.
        say: Shows a line.
    """
    cause = "the start"
    while not until.is_asked():
        seen = watch.changes
        try:
            update(cause)
        except PipelineBusyError as error:
            say(str(error))
            until.sleep(settings.settle.total_seconds())
            continue
        cause = _next_cause(watch, settings, until, seen)


def _next_cause(watch: Watch, settings: ArrivalSettings, until: Stop, seen: int) -> str:
    """Wait for files to come and to settle, or for the time to run out, and return which it was."""
    idle, settling, quiet, newest = 0.0, 0.0, 0.0, seen
    while not until.is_asked():
        if watch.changes != newest:
            newest, quiet = watch.changes, 0.0
        if newest != seen and (
            quiet >= settings.settle.total_seconds() or settling >= settings.longest_wait.total_seconds()
        ):
            return "files that have come"
        if newest == seen and idle >= settings.at_least_every.total_seconds():
            return "the time that has passed"
        until.sleep(_TICK_SECONDS)
        idle, quiet = idle + _TICK_SECONDS, quiet + _TICK_SECONDS
        settling += _TICK_SECONDS if newest != seen else 0.0
    return "the end"
