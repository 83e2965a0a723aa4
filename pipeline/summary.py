"""What an update has done, table by table, read from its events: as they come, or from the log."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pipeline.event_log import Event

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED", "KILLED"})
_FLOW_ENDED = frozenset({"COMPLETED", "FAILED", "SKIPPED", "STOPPED", "EXCLUDED"})


@dataclass
class TableProgress:
    """One table in one update.

    Attributes:
        inputs: What fills it: datasets, and landing folders.
        files: Those of its inputs that are landing folders.
        quarantine_of: The table whose rejected rows it takes, or None.
        location: The file and line it is declared at.
        schema: Its columns, as Spark writes a struct.
        failed: For each expectation, how many records violate it.
        reasons: For each expectation, why it is asked.
    """

    name: str
    kind: str = ""
    inputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    quarantine_of: str | None = None
    comment: str = ""
    location: str = ""
    schema: str = ""
    status: str = ""
    rows_in: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0
    passed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def seconds(self, now: datetime) -> float | None:
        """Return how long its flow has run, or None if it has not begun."""
        return None if self.started_at is None else ((self.ended_at or now) - self.started_at).total_seconds()

    def facts(self) -> dict[str, Any]:
        """Return its figures under the names that `--json` prints."""
        return {
            "rows_in": self.rows_in,
            "rows_written": self.rows_written,
            "rows_deleted": self.rows_deleted,
            "rows_dropped": self.rows_dropped,
            "rows_warned": self.rows_warned,
            "expectations": {
                rule: {"action": action, "passed": self.passed.get(rule, 0), "failed": self.failed.get(rule, 0)}
                for rule, action in self.actions.items()
            },
            "notes": self.notes,
        }


@dataclass
class Summary:
    """One update with all its tables, in the order of its definitions.

    Attributes:
        state: As the log has it; KILLED where the update's process died without a word.
        told_at: The time of its newest event.
        errors: What stopped the update or its flows, each once.
    """

    update_id: str = ""
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
        if event.event_type == "flow_definition":
            _define_flow(table, event.details)
        elif event.event_type == "dataset_definition":
            table.kind = event.details["dataset_type"].lower()
            table.actions = {item["name"]: item["action"] for item in event.details["expectations"]}
            table.reasons = {item["name"]: item.get("why", "") for item in event.details["expectations"]}
        elif event.event_type == "flow_progress":
            _progress(table, event)
            self._note(event)

    def facts(self, name: str) -> dict[str, Any]:
        """Return one table's figures under the names that `--json` prints."""
        return self.tables.get(name, TableProgress(name)).facts()

    def end(self, state: str, at: datetime | None) -> None:
        """Take note that nothing more will come: flows that had begun or waited are stopped."""
        self.state, self.ended_at = state, at
        for table in self.tables.values():
            if table.status not in _FLOW_ENDED:
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
        self.update_id = event.origin.update_id or ""
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


def counted_files(count: int) -> str:
    """Return a number of files in words."""
    return f"{count:,} file{'' if count == 1 else 's'}"


def _define_flow(table: TableProgress, details: dict[str, Any]) -> None:
    table.files = tuple(details["input_files"])
    table.inputs = (*table.files, *details["input_datasets"])
    table.quarantine_of = details.get("quarantine_of")
    table.comment, table.location = details.get("comment", ""), details.get("location", "")
    # The same text in every update of a long history: kept once.
    table.schema = sys.intern(details.get("schema", ""))


def _progress(table: TableProgress, event: Event) -> None:
    table.status = event.details["status"]
    if table.status == "STARTING":
        table.started_at, table.ended_at = table.started_at or event.timestamp, None
    if table.status in _FLOW_ENDED:
        table.ended_at = event.timestamp
    if event.error is not None:
        table.error = str(event.error)
    metrics = event.details.get("metrics", {})
    table.rows_in += metrics.get("num_input_rows", 0)
    table.rows_written += metrics.get("num_output_rows", 0)
    table.rows_deleted += metrics.get("num_deleted_rows", 0)
    table.notes += _notes(metrics)
    quality = event.details.get("data_quality", {})
    table.rows_dropped += quality.get("dropped_records", 0)
    table.rows_warned += quality.get("warned_records", 0)
    for item in quality.get("expectations", ()):
        table.passed[item["name"]] = table.passed.get(item["name"], 0) + item["passed_records"]
        table.failed[item["name"]] = table.failed.get(item["name"], 0) + item["failed_records"]


def _notes(metrics: dict[str, Any]) -> list[str]:
    notes = []
    if metrics.get("num_files"):
        notes.append(counted_files(metrics["num_files"]))
    for name, file in metrics.get("new_columns", {}).items():
        notes.append(f"new column {name} (from {file.rsplit('/', 1)[-1]})")
    for key, text in (
        ("num_corrupt_rows", "corrupt records"),
        ("num_rescued_rows", "rows with rescued values"),
        ("num_files_set_aside", "files set aside"),
        ("num_late_rows", "late rows"),
    ):
        if metrics.get(key):
            notes.append(f"{metrics[key]:,} {text}")
    return notes
