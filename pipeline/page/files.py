"""The files that tables are read from, listed again only after the landing zone or their states have changed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.delta.commits import Watch
from pipeline.ingest.declarations import file_sources
from pipeline.ingest.inventory import inventories
from pipeline.ingest.listing import folder_times
from pipeline.page.facts import FileCounts
from pipeline.page.plain import plain
from pipeline.page.table_facts import FilesFacts

if TYPE_CHECKING:
    from pipeline.declare.files_source import FilesSource
    from pipeline.home.places import Home
    from pipeline.ingest.file_state import FileRecord
    from pipeline.settings import Settings

_SHOWN = 100


class Files:
    """Every file that a pipeline's tables have read or will read; safe to share between threads."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._guard = threading.Lock()
        self._sources: list[tuple[str, FilesSource]] | None = None
        self._states: dict[str, Watch] = {}
        self._known: dict[str, list[FileRecord]] = {}
        self._known_at: list[object] = []

    def records(self, table: str) -> list[FileRecord]:
        """Return a table's files, oldest first; none if it reads no files."""
        return self._all().get(table, [])

    def waiting(self) -> int:
        """Return how many files the next update will read."""
        return sum(record.state == "waiting" for records in self._all().values() for record in records)

    def counts(self, table: str, update_id: str | None) -> FileCounts:
        """Return how many files there are in each state."""
        records = self.records(table)
        states = Counter(record.state for record in records)
        return FileCounts(
            listed=len(records),
            ingested=states["ingested"],
            waiting=states["waiting"],
            set_aside=states["set aside"],
            ignored=states["ignored"],
            rows=sum(record.rows for record in records),
            ingested_now=sum(record.update_id == update_id and record.state == "ingested" for record in records),
        )

    def facts(self, table: str) -> FilesFacts | None:
        """Return a table's files, with details of the newest, or None if it reads no files."""
        if table not in self._all():
            return None
        records = self.records(table)
        newest = [{key: plain(value) for key, value in asdict(record).items()} for record in records[-_SHOWN:]]
        states = Counter(str(record.state) for record in records)
        return FilesFacts(total=len(records), states=dict(states), newest=newest[::-1])

    def _all(self) -> dict[str, list[FileRecord]]:
        with self._guard:
            state = self._state()
            if state != self._known_at:
                self._known = inventories(self._home, self._settings)
                self._known_at = state
            return self._known

    def _state(self) -> list[object]:
        """Return a value that changes whenever a file arrives, disappears or is ingested."""
        if self._sources is None:
            self._sources = file_sources(self._home, self._settings)
        state: list[object] = []
        for table, source in self._sources:
            path = self._home.table(self._settings.target_schema, table).file_state
            watched = self._states.setdefault(table, Watch(path))
            state += [watched.version(), folder_times(self._home.landing_of(source.path), source)]
        return state
