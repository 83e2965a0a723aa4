"""The event log on disk, filtered and read without Spark."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.delta.errors import TABLE_ERRORS
from pipeline.delta.table import Table
from pipeline.events.event import Event, Origin
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.foundation.sql_names import literal

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_ORIGIN = {field.name for field in fields(Origin)}
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class EventFilter:
    """Conditions on an event, all of which it must meet; a condition that is not given admits every event.

    Attributes:
        update: The update's id, or how it begins.
        since: The earliest time.
        until: The latest time.
        after: Only events with a greater sequence: those since the last look.
        limit: The most events, the newest of them.
    """

    levels: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    update: str | None = None
    tables: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None
    limit: int | None = None

    def where(self) -> str | None:
        """Return the conditions as SQL, or None if there are none."""
        conditions = [
            f"{column} IN ({', '.join(map(literal, values))})"
            for column, values in (
                ("level", self.levels),
                ("event_type", self.event_types),
                ("origin['dataset_name']", self.tables),
            )
            if values
        ]
        if self.update is not None:
            conditions.append(of_update(self.update))
        if self.since is not None:
            conditions.append(f"\"timestamp\" >= '{self.since.isoformat()}'")
        if self.until is not None:
            conditions.append(f"\"timestamp\" <= '{self.until.isoformat()}'")
        if self.after is not None:
            conditions.append(f"sequence > {self.after}")
        return " AND ".join(conditions) or None


def of_update(begins_with: str) -> str:
    """Return the condition that an event belongs to an update whose id begins with a text.

    It is a range, which the statistics of a file can rule out.
    """
    column = "origin['update_id']"
    return f"{column} >= {literal(begins_with)} AND {column} < {literal(begins_with + _LAST_CHARACTER)}"


class RecordedError(Exception):
    """An error that an earlier update has put on record; it reads as the original did.

    Attributes:
        class_name: The class of the error that was raised.
    """

    def __init__(self, class_name: str, message: str) -> None:
        self.class_name = class_name
        super().__init__(message)


class StoredLog:
    """Reads the log's table; a table that does not exist yet is empty."""

    def __init__(self, path: Path) -> None:
        self._table = Table(path)

    def rows(self, where: str | None = None, newest: int | None = None) -> list[dict[str, Any]]:
        """Return events in the order of their sequence.

        Args:
            where: A condition in DataFusion's SQL; only files that may have such an event are read.
            newest: The most events, the newest of them.

        Raises:
            EnvironmentFaultError: The table cannot be read.
        """
        try:
            if not self._table.exists:
                return []
            found = self._table.rows(where=where) if newest is None else self._table.newest("sequence", newest, where)
        except TABLE_ERRORS as error:
            problem = f"The event log {self._table.path} cannot be read: {error}."
            raise EnvironmentFaultError(problem, "Repair the permissions, or move the folder away.") from error
        rows: list[dict[str, Any]] = found.sort_by("sequence").to_pylist()
        return rows

    def newest_evidence(self, tables: set[str]) -> dict[str, dict[str, Any]]:
        """Return, by table, the newest counts of its rules over the rows of a batch.

        Each has `table`, `judged_at` (ISO 8601) and `data_quality`, as the log has it.
        """
        newest: dict[str, dict[str, Any]] = {}
        for event in map(stored_event, self.rows("event_type = 'flow_progress' AND level IN ('METRICS', 'ERROR')")):
            quality, table = event.details.get("data_quality", {}), event.origin.dataset_name
            if table in tables and any(item.get("scope") == "row" for item in quality.get("expectations", ())):
                newest[table] = {"table": table, "judged_at": event.timestamp.isoformat(), "data_quality": quality}
        return newest


def stored_event(row: dict[str, Any]) -> Event:
    """Return the event that a row of the event log tells of."""
    origin = Origin(**{name: value for name, value in row["origin"].items() if name in _ORIGIN})
    details = orjson.loads(row["details"]).get(row["event_type"], {})
    return Event(**{**row, "origin": origin, "details": details, "error": _error(row["error"])})


def _error(stored: dict[str, Any] | None) -> RecordedError | None:
    chain = [RecordedError(item["class_name"], item["message"]) for item in (stored or {}).get("exceptions") or ()]
    for error, cause in pairwise(chain):
        error.__cause__ = cause
    return chain[0] if chain else None
