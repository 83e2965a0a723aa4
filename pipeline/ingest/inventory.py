"""Every file that a pipeline's flows have seen or will see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.checkpoint.position import Position
from pipeline.ingest.declarations import file_sources
from pipeline.ingest.discovery import EXISTED, Discovery
from pipeline.ingest.file_state import FileRecord, FileState
from pipeline.ingest.landing import present, shown
from pipeline.ingest.listing import ignored_paths, listed_paths

if TYPE_CHECKING:
    from pipeline.declare.files_source import FilesSource
    from pipeline.home.places import Home
    from pipeline.home.schema_places import TablePlaces
    from pipeline.settings import Settings


def inventories(home: Home, settings: Settings) -> dict[str, list[FileRecord]]:
    """Return, for each table that reads files, every file's newest record; nothing is written.

    Files that no update has taken are `waiting`, those that no option takes are `ignored`. Oldest first.
    """
    return {
        name: _inventory(home, home.table(settings.target_schema, name), source)
        for name, source in file_sources(home, settings)
    }


def _inventory(home: Home, places: TablePlaces, source: FilesSource) -> list[FileRecord]:
    folder, position, file_state = (
        home.landing_of(source.path),
        Position(places.checkpoints),
        FileState(places.file_state),
    )
    known = file_state.current(position.flow_id()) if position.exists else {}
    has_looked = position.exists and Discovery(folder, source, position, file_state).has_looked
    reasons = ignored_paths(folder, source)
    if source.include_existing_files:
        known = {path: record for path, record in known.items() if record.state != "ignored"}
    elif not has_looked:
        reasons |= dict.fromkeys(listed_paths(folder, source), EXISTED)
    paths = dict.fromkeys([*listed_paths(folder, source), *reasons])
    others = [
        FileRecord(
            path=file.shown,
            state="ignored" if file.path in reasons else "waiting",
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            error=reasons.get(file.path),
        )
        for file in present([path for path in paths if shown(path) not in known])
    ]
    return sorted([*known.values(), *others], key=lambda record: (record.modified_at, record.path))
