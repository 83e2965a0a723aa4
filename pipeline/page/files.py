"""The files behind the tables, asked for again only when the landing zone or their states have changed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.ingest.inventory import file_sources, inventories
from pipeline.page.facts import FileCounts
from pipeline.page.plain import plain
from pipeline.page.stream import Watched
from pipeline.page.table_facts import FilesFacts

if TYPE_CHECKING:
    from pipeline.home import Home
    from pipeline.ingest.file_state import FileRecord
    from pipeline.settings import Settings

_SHOWN = 100


class Files:
    """Every file that a pipeline's tables have read or will read."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._guard = threading.Lock()
        self._sources: list[tuple[str, str]] | None = None
        self._states: dict[str, Watched] = {}
        self._known: dict[str, list[FileRecord]] = {}
        self._known_at: list[object] = []

    def records(self, table: str) -> list[FileRecord]:
        """Return a table's files, oldest first; none where it reads no files."""
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
            rows=sum(record.rows for record in records),
            ingested_now=sum(record.update_id == update_id and record.state == "ingested" for record in records),
        )

    def facts(self, table: str) -> FilesFacts | None:
        """Return a table's files, the newest of them one by one, or None where it reads no files."""
        if table not in self._all():
            return None
        records = self.records(table)
        newest = [{key: plain(value) for key, value in asdict(record).items()} for record in records[-_SHOWN:]]
        states = Counter(str(record.state) for record in records)
        return FilesFacts(total=len(records), states=dict(states), newest=newest[::-1])

    def _all(self) -> dict[str, list[FileRecord]]:
        with self._guard:
            now = self._moment()
            if now != self._known_at:
                self._known = inventories(self._home, self._settings)
                self._known_at = now
            return self._known

    def _moment(self) -> list[object]:
        """Return what is different whenever a file has come, gone or been taken."""
        if self._sources is None:
            self._sources = [(dataset.name, source.path) for dataset, source in file_sources(self._settings)]
        moment: list[object] = []
        for table, folder in self._sources:
            path = self._home.state / "files" / self._settings.target_schema / table
            watched = self._states.setdefault(table, Watched(path))
            landing = self._home.landing / folder
            moment += [watched.version(), landing.stat().st_mtime_ns if landing.is_dir() else None]
        return moment
