"""What an update has done, table by table, read from its events: as they come, or from the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.table_progress import TableProgress, text_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeline.event_log import Event

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED", "KILLED"})


@dataclass
class Summary:
    """One update with all its tables, in the order of its definitions.

    Attributes:
        state: As the log has it; KILLED where the update's process died without a word.
        told_at: The time of its newest event.
        errors: What stopped the update or its flows, each once.
    """

    update_id: str = ""
    pipeline: str = ""
    cause: str = ""
    run_as: str = ""
    state: str = "CREATED"
    created_at: datetime | None = None
    ended_at: datetime | None = None
    told_at: datetime | None = None
    selection: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    tables: dict[str, TableProgress] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take in an event."""
        self.told_at = event.timestamp
        if event.event_type == "create_update":
            self._created(event)
        elif event.event_type == "update_progress":
            self._moved(event)
        name = event.origin.dataset_name
        if name is None:
            return
        table = self.tables.setdefault(name, TableProgress(name))
        if event.event_type == "dataset_definition":
            # What an earlier update left untold may have been told before the definitions.
            self.tables[name] = self.tables.pop(name)
        if event.event_type in {"dataset_definition", "flow_definition"}:
            table.define(event)
        elif event.event_type == "flow_progress":
            table.progress(event)
            self._note(event)

    def facts(self, name: str) -> dict[str, Any]:
        """Return one table's figures under the names that `--json` prints."""
        return self.tables.get(name, TableProgress(name)).facts()

    def record(self) -> dict[str, Any]:
        """Return the update in a nutshell, for `history --json` and the page."""
        took = None if self.ended_at is None else self.duration(self.ended_at)
        return {
            "update_id": self.update_id,
            "pipeline": self.pipeline,
            "cause": self.cause,
            "run_as": self.run_as,
            "state": self.state,
            "created_at": text_of(self.created_at),
            "ended_at": text_of(self.ended_at),
            "duration_seconds": None if took is None else took.total_seconds(),
            "rows_in": self.rows_in,
            "rows_written": self.rows_written,
            "rows_dropped": self.rows_dropped,
            "rows_warned": self.rows_warned,
            "failures": self.failures,
            "errors": self.errors,
            **self.selection,
        }

    def end(self, state: str, at: datetime | None) -> None:
        """Take note that nothing more will come: flows that had begun or waited are stopped."""
        self.state, self.ended_at = state, at
        for table in self.tables.values():
            if not table.has_ended:
                table.status = "STOPPED"
                table.ended_at = at if table.started_at else None

    def duration(self, now: datetime) -> timedelta | None:
        """Return how long it took, or has taken so far."""
        return None if self.created_at is None else (self.ended_at or now) - self.created_at

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED

    @property
    def rows_in(self) -> int:
        """Records that came in from files."""
        return sum(table.rows_in for table in self.tables.values() if table.files)

    @property
    def rows_written(self) -> int:
        """Rows written, all tables together."""
        return sum(table.rows_written for table in self.tables.values())

    @property
    def rows_dropped(self) -> int:
        """Rows that drop expectations have left out, all tables together."""
        return sum(table.rows_dropped for table in self.tables.values())

    @property
    def rows_warned(self) -> int:
        """Rows that warn expectations have marked, all tables together."""
        return sum(table.rows_warned for table in self.tables.values())

    @property
    def failures(self) -> list[str]:
        """The tables whose flows failed."""
        return [table.name for table in self.tables.values() if table.status == "FAILED"]

    def _created(self, event: Event) -> None:
        self.update_id, self.pipeline = event.origin.update_id or "", event.origin.pipeline_name
        self.created_at = event.timestamp
        self.cause, self.run_as = event.details["cause"], event.details["run_as"]
        names = ("refresh_selection", "full_refresh_selection", "full_refresh")
        self.selection = {name: event.details[name] for name in names if event.details.get(name)}

    def _moved(self, event: Event) -> None:
        self.state = event.details["state"]
        self._note(event)
        if self.has_ended:
            self.end(self.state, event.timestamp)

    def _note(self, event: Event) -> None:
        if event.error is not None and str(event.error) not in self.errors:
            self.errors.append(str(event.error))
