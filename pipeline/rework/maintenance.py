"""Maintenance of tables, logs and state: small files are joined, unneeded ones deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.delta.errors import TABLE_ERRORS, DeltaError
from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError, DataError
from pipeline.home.intents import IntentFile
from pipeline.rework.migration import writing
from pipeline.spark.faults import readable

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home
    from pipeline.settings import Settings

# Readers of an older version, and flows that are behind, need files that the newest version lacks.
SHORTEST_RETENTION = timedelta(days=7)
_SMALL_BYTES = 16 * 1024**2
MANY_SMALL_FILES = 200


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
    """Join small files and delete unneeded ones, in every Delta table of the lakehouse.

    No row changes, and a flow that follows a table reads nothing twice.

    Raises:
        PipelineBusyError: An update holds the lakehouse.
        AuthorError: The retention is shorter than what readers are promised.
        DataError: An update has left work unfinished that may still need old files.
    """
    if retention < SHORTEST_RETENTION:
        problem = f"A retention of {retention} would take files from readers and from flows that are behind."
        raise AuthorError(problem, "Give --retention 7d or more.")
    with writing(home, clock, "maintenance"):
        begun = [path for path in home.intents() if IntentFile(path).read() is not None]
        if begun:
            problem = f"An update has left work unfinished: {begun[0]}."
            raise DataError(problem, "Run `python -m pipeline run` first; it finishes that.")
        return [_maintained(path, name, retention) for name, path in tables_of(home, settings).items()]


def tables_of(home: Home, settings: Settings) -> dict[str, Path]:
    """Return every Delta table of a lakehouse by name: those of the schema and those with state."""
    schema = settings.target_schema
    return {home.relative(folder): folder for folder in home.schema(schema).delta_tables()}


def advice(home: Home, settings: Settings, many_small_files: int = MANY_SMALL_FILES) -> str | None:
    """Return a line that suggests maintenance, or None while no table has that many small files."""
    worst, count = "", 0
    for name, path in tables_of(home, settings).items():
        small = _small_files(path)
        if small > count:
            worst, count = name, small
    if count < many_small_files:
        return None
    return f"{worst} has {count:,} small files: `python -m pipeline maintain` joins them."


def _small_files(path: Path) -> int:
    try:
        sizes = Table(path).file_sizes()
    except DeltaError:
        return 0
    return sum(size < _SMALL_BYTES for size in sizes)


def _maintained(path: Path, name: str, retention: timedelta) -> Maintained:
    try:
        return Maintained(name, *Table(path).compact(retention))
    except TABLE_ERRORS as error:
        return Maintained(name, error=readable(error, path.name).problem)
