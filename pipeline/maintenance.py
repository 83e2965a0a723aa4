"""Small files joined and unneeded ones deleted, in tables, logs and state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.arrow import file_sizes
from pipeline.errors import AuthorError, DataError
from pipeline.faults import readable
from pipeline.intent import IntentFile
from pipeline.lock import exclusive
from pipeline.tables import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.home import Home
    from pipeline.settings import Settings

# Readers of an older version, and flows that are behind, need files that are no longer of the newest one.
SHORTEST_RETENTION = timedelta(days=7)
_SMALL_BYTES = 16 * 1024**2
_MANY_SMALL_FILES = 200


@dataclass(frozen=True)
class Maintained:
    """What maintenance did to one table.

    Attributes:
        removed_files: Files that were in force and were joined with others.
        added_files: What they were joined to.
        deleted_files: Files that no version of the retention needs.
        error: Why the table was left as it is, or None.
    """

    table: str
    removed_files: int = 0
    added_files: int = 0
    deleted_files: int = 0
    error: str | None = None


def maintain(
    home: Home, settings: Settings, clock: Clock, retention: timedelta = SHORTEST_RETENTION
) -> list[Maintained]:
    """Join small files and delete what nobody needs any more, in every Delta table of the lakehouse.

    No row changes, and a flow that follows a table reads nothing twice.

    Raises:
        PipelineBusyError: An update holds the lakehouse.
        AuthorError: The retention is shorter than what readers are promised.
        DataError: An update has left work unfinished that may still need old files.
    """
    if retention < SHORTEST_RETENTION:
        problem = f"A retention of {retention} would take files from readers and from flows that are behind."
        raise AuthorError(problem, "Give --retention 7d or more.")
    with exclusive(home, clock, "maintenance"):
        begun = [path for path in home.state.glob("*/**/intent.json") if IntentFile(path).read() is not None]
        if begun:
            problem = f"An update has left work unfinished: {begun[0]}."
            raise DataError(problem, "Run `python -m pipeline run` first; it finishes that.")
        return [_maintained(path, name, retention) for name, path in tables_of(home, settings).items()]


def tables_of(home: Home, settings: Settings) -> dict[str, Path]:
    """Return every Delta table of a lakehouse by name: those of the schema, and those that hold state."""
    schema = settings.target_schema
    folders = [*home.schema(schema).glob("*/_delta_log"), *(home.state / "files" / schema).glob("*/_delta_log")]
    return {str(folder.parent.relative_to(home.root)): folder.parent for folder in sorted(folders)}


def advice(home: Home, settings: Settings) -> str | None:
    """Return a line that suggests maintenance, or None while it is not due."""
    worst, count = "", 0
    for name, path in tables_of(home, settings).items():
        small = _small_files(path)
        if small > count:
            worst, count = name, small
    if count < _MANY_SMALL_FILES:
        return None
    return f"{worst} has {count:,} small files: `python -m pipeline maintain` joins them."


def _small_files(path: Path) -> int:
    try:
        sizes = file_sizes(DeltaTable(path))
    except DeltaError:
        return 0
    return sum(size < _SMALL_BYTES for size in sizes)


def _maintained(path: Path, name: str, retention: timedelta) -> Maintained:
    try:
        committed = Table(path)
        for flow_id in {batch.flow_id for batch, _ in committed.commits()}:
            committed.keep_batch(flow_id)
        table = DeltaTable(path)
        joined: dict[str, Any] = table.optimize.compact()
        deleted = table.vacuum(int(retention.total_seconds() // 3600), dry_run=False, full=True)
        table.create_checkpoint()
    except (DeltaError, OSError) as error:
        return Maintained(name, error=readable(error, path.name).problem)
    return Maintained(name, joined["numFilesRemoved"], joined["numFilesAdded"], len(deleted))
