"""Every file that a pipeline's flows have seen or will see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.declare import Reader, reading
from pipeline.flows.position import Position
from pipeline.graph import load_declarations
from pipeline.ingest.file_state import FileRecord, FileState
from pipeline.ingest.landing import standing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.dataset import Dataset
    from pipeline.home import Home
    from pipeline.ingest.source import FilesSource
    from pipeline.settings import Settings


def inventories(home: Home, settings: Settings) -> dict[str, list[FileRecord]]:
    """Return, for each table that reads files, every file's newest record; nothing is written.

    Files that no update has taken are `waiting`. Oldest first.
    """
    found = {}
    for dataset, source in file_sources(settings):
        state = home.state / "files" / settings.target_schema / dataset.name
        position = Position(home.state / "checkpoints" / settings.target_schema / dataset.name)
        known = FileState(state).current(position.flow_id()) if position.exists else {}
        waiting = {
            file.shown: FileRecord(file.shown, "waiting", file.size_bytes, file.modified_at)
            for file in standing(home.landing / source.path, source)
            if file.shown not in known
        }
        records = [*known.values(), *waiting.values()]
        found[dataset.name] = sorted(records, key=lambda record: (record.modified_at, record.path))
    return found


def file_sources(settings: Settings) -> list[tuple[Dataset, FilesSource]]:
    """Return the tables that read files, with what they read, without starting Spark."""
    sources = []
    for dataset in load_declarations(settings.source).datasets.values():
        finder = _Finder()
        try:
            with reading(finder):
                dataset.query()
        except _FoundError:
            pass
        if finder.source is not None:
            sources.append((dataset, finder.source))
    return sources


class _FoundError(Exception):
    """Ends a query once its source is known."""


class _Finder(Reader):
    """Notes the files that a query reads, and runs no query further than its first read."""

    def __init__(self) -> None:
        self.source: FilesSource | None = None

    def files(self, source: FilesSource) -> DataFrame:
        self.source = source
        raise _FoundError

    def stream(self, name: str) -> DataFrame:
        raise _FoundError(name)

    def snapshot(self, name: str) -> DataFrame:
        raise _FoundError(name)

    def quarantine(self, name: str) -> DataFrame:
        raise _FoundError(name)
