"""Updates that start when files have come."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING, Protocol

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from pipeline.foundation.errors import PipelineBusyError
from pipeline.ingest.declarations import file_sources
from pipeline.ingest.listing import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from pipeline.foundation.stop import Stop
    from pipeline.home.places import Home
    from pipeline.settings import ArrivalSettings, Settings

_TICK_SECONDS = 0.2
# A second passes between two listings.
_TICKS_PER_LISTING = 5


class Watch(Protocol):
    """Sees files come."""

    def changes(self) -> int:
        """Return how many changes were seen so far; it is called once a tick."""
        ...


class FolderWatch(FileSystemEventHandler):
    """Sees files come into some folders, or change there.

    The folders are listed once a second, which works on every file system. Where the system gives notice of a change,
    they are listed at once.

    Args:
        folders: The folders; missing ones are made.
        deep: Those of them whose sub-folders are watched too.
        with_notices: Whether to ask the system for notices.
    """

    def __init__(self, folders: list[Path], deep: Collection[Path] = (), *, with_notices: bool = True) -> None:
        self._folders = folders
        self._deep = deep
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._noticed = threading.Event()
        self._observer = Observer()
        if with_notices:
            try:
                for folder in folders:
                    self._observer.schedule(self, str(folder), recursive=folder in deep)
                self._observer.start()
            except OSError:
                # The system has no watches left, or gives no notices: listing is enough.
                pass
        self._listed = set(self._listing())
        self._changes = self._ticks = 0

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Have the folders listed at the next tick."""
        if event.event_type in {"created", "modified", "moved"}:
            self._noticed.set()

    def changes(self) -> int:
        """Return how many files were seen to come or to change so far."""
        self._ticks += 1
        if self._noticed.is_set() or self._ticks >= _TICKS_PER_LISTING:
            self._ticks = 0
            self._noticed.clear()
            listed = set(self._listing())
            self._changes += len(listed - self._listed)
            self._listed = listed
        return self._changes

    def close(self) -> None:
        """Stop watching."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def _listing(self) -> Iterator[tuple[str, int, int]]:
        """Yield each file that an update might read, with its time and size: a changed file is a new entry."""
        for folder in self._folders:
            is_deep = folder in self._deep
            # Folders that are unreadable or gone are left out; the update itself reports that.
            for found in walk(str(folder), lambda _, is_deep=is_deep: is_deep):  # type: ignore[misc]
                for name in found.names:
                    try:
                        status = os.stat(path := f"{found.path}/{name}")  # noqa: PTH116 - a path as text
                    except OSError:
                        continue
                    if not stat.S_ISDIR(status.st_mode):
                        yield path, status.st_mtime_ns, status.st_size


def landing_watch(home: Home, settings: Settings) -> FolderWatch:
    """Return what sees a pipeline's files come; of source for Databricks, in all folders that its settings name."""
    if settings.sources:
        named = list(dict.fromkeys(settings.paths.values()))
        return FolderWatch(named, set(named))
    sources = [source for _, source in file_sources(home, settings)]
    deep = {home.landing_of(source.path) for source in sources if source.reads_folders}
    return FolderWatch(list(dict.fromkeys(home.landing_of(source.path) for source in sources)), deep)


def run_on_arrival(
    watch: Watch, settings: ArrivalSettings, until: Stop, update: Callable[[str], None], say: Callable[[str], None]
) -> None:
    """Run an update now, and another whenever files have come and settled, one at a time, until asked to stop.

    Args:
        watch: Sees files come.
        settings: How long files settle, and after how long an update runs without any.
        until: Asks for the end.
        update: Runs one update, for the cause that it is given.
        say: Shows a line.
    """
    cause = "the start"
    while not until.is_asked():
        seen = watch.changes()
        try:
            update(cause)
        except PipelineBusyError as error:
            say(str(error))
            until.wait(settings.settle.total_seconds())
            continue
        cause = _next_cause(watch, settings, until, seen)


def _next_cause(watch: Watch, settings: ArrivalSettings, until: Stop, seen: int) -> str:
    """Wait for files to come and to settle, or for the time to run out, and return which it was."""
    idle, settling, quiet, newest = 0.0, 0.0, 0.0, seen
    while not until.is_asked():
        if (changes := watch.changes()) != newest:
            newest, quiet = changes, 0.0
        if newest != seen and (
            quiet >= settings.settle.total_seconds() or settling >= settings.longest_wait.total_seconds()
        ):
            return "files that have come"
        if newest == seen and idle >= settings.at_least_every.total_seconds():
            return "the time that has passed"
        until.wait(_TICK_SECONDS)
        idle, quiet = idle + _TICK_SECONDS, quiet + _TICK_SECONDS
        settling += _TICK_SECONDS if newest != seen else 0.0
    return "the end"
