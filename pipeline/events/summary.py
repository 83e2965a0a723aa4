"""An update as its events describe it, table by table: live while they arrive, or later from the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.events.table_progress import TableProgress, text_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeline.events.event import Event

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED", "KILLED"})


@dataclass
class Summary:
    """One update with all its tables, in the order of its definitions.

    Attributes:
        state: As in the log; KILLED when the update's process died before it could log an end.
        last_event_at: The time of its newest event.
        errors: What stopped the update or its flows, each once.
    """

    update_id: str = ""
    pipeline: str = ""
    cause: str = ""
    run_as: str = ""
    state: str = "CREATED"
    created_at: datetime | None = None
    ended_at: datetime | None = None
    last_event_at: datetime | None = None
    selection: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    tables: dict[str, TableProgress] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Add an event; events must come in the order they were logged."""
        self.last_event_at = event.timestamp
        if event.event_type == "create_update":
            self._create(event)
        elif event.event_type == "update_progress":
            self._progress(event)
        name = event.origin.dataset_name
        if name is None:
            return
        table = self.tables.setdefault(name, TableProgress(name))
        if event.event_type == "dataset_definition":
            # Events re-created after a kill may precede the definitions, which set the order.
            self.tables[name] = self.tables.pop(name)
        if event.event_type in {"dataset_definition", "flow_definition"}:
            table.define(event)
        elif event.event_type == "flow_progress":
            table.progress(event)
            self._add_error(event)

    def record(self) -> dict[str, Any]:
        """Return the update's figures without its tables: an entry of `history --json`, and of the page's API."""
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
        """End the update: flows that had started or were queued are stopped."""
        self.state, self.ended_at = state, at
        for table in self.tables.values():
            if not table.has_ended:
                table.status = "STOPPED"
                table.ended_at = at if table.started_at else None

    def definitions(self) -> Summary:
        """Return a copy in which the tables are defined and have done nothing."""
        return replace(self, tables={name: table.definition() for name, table in self.tables.items()})

    def upstream(self, name: str) -> set[str]:
        """Return everything that a table reads, directly or through other tables."""
        found: set[str] = set()
        pending = [name]
        while pending:
            table = self.tables.get(pending.pop())
            new = set(table.inputs if table else ()) - found
            found |= new
            pending += new
        return found

    def duration(self, now: datetime) -> timedelta | None:
        """Return how long it took, or has taken so far."""
        return None if self.created_at is None else (self.ended_at or now) - self.created_at

    @property
    def has_ended(self) -> bool:
        """Whether no more events will come."""
        return self.state in ENDED

    @property
    def rows_in(self) -> int:
        """Records read from files."""
        return sum(table.rows_in for table in self.tables.values() if table.files)

    @property
    def rows_written(self) -> int:
        """Rows written to all tables."""
        return sum(table.rows_written for table in self.tables.values())

    @property
    def rows_dropped(self) -> int:
        """Rows dropped by the expectations of all tables."""
        return sum(table.rows_dropped for table in self.tables.values())

    @property
    def rows_warned(self) -> int:
        """Rows that violate a warn expectation, in all tables."""
        return sum(table.rows_warned for table in self.tables.values())

    @property
    def failures(self) -> list[str]:
        """The tables whose flows failed."""
        return [table.name for table in self.tables.values() if table.status == "FAILED"]

    def _create(self, event: Event) -> None:
        self.update_id, self.pipeline = event.origin.update_id or "", event.origin.pipeline_name
        self.created_at = event.timestamp
        self.cause, self.run_as = event.details["cause"], event.details["run_as"]
        names = ("refresh_selection", "full_refresh_selection", "full_refresh")
        self.selection = {name: event.details[name] for name in names if event.details.get(name)}

    def _progress(self, event: Event) -> None:
        self.state = event.details["state"]
        self._add_error(event)
        if self.has_ended:
            self.end(self.state, event.timestamp)

    def _add_error(self, event: Event) -> None:
        if event.error is not None and str(event.error) not in self.errors:
            self.errors.append(str(event.error))
