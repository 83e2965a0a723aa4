"""What one table has done in an update, read from the update's events."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.event_log import Event

_ENDED = frozenset({"COMPLETED", "FAILED", "SKIPPED", "STOPPED", "EXCLUDED"})

_LASTING = frozenset({"FAILED", "SKIPPED"})
_REMARKABLE = {
    "num_files": ("file", "files"),
    "num_corrupt_rows": ("corrupt record", "corrupt records"),
    "num_rescued_rows": ("row with rescued values", "rows with rescued values"),
    "num_files_set_aside": ("file set aside", "files set aside"),
    "num_late_rows": ("late row", "late rows"),
}


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
        of_table: The expectations of the table as a whole; each counts as one record.
        new_columns: Columns that came with it, and the file that brought each.
        remarkable: How much there was of what an update may want to be asked about, such as files set aside.
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
    of_table: frozenset[str] = frozenset()
    new_columns: dict[str, str] = field(default_factory=dict)
    remarkable: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its flow will do nothing more in this update."""
        return self.status in _ENDED

    def define(self, event: Event) -> None:
        """Take in the definition of its dataset or of its flow."""
        details = event.details
        if event.event_type == "dataset_definition":
            self.kind = details["dataset_type"].lower()
            self.actions = {item["name"]: item["action"] for item in details["expectations"]}
            self.reasons = {item["name"]: item.get("why", "") for item in details["expectations"]}
            self.of_table = frozenset(item["name"] for item in details["expectations"] if item.get("scope") == "table")
            return
        self.files = tuple(details["input_files"])
        self.inputs = (*self.files, *details["input_datasets"])
        self.quarantine_of = details.get("quarantine_of")
        self.comment, self.location = details.get("comment", ""), details.get("location", "")
        # The same text in every update of a long history: kept once.
        self.schema = sys.intern(details.get("schema", ""))

    def progress(self, event: Event) -> None:
        """Take in what its flow has done."""
        status = event.details["status"]
        if status != "COMPLETED" or self.status not in _LASTING:
            # A table that is judged as a whole afterwards does not make good what its flow has failed to do.
            self.status = status
        if self.status == "STARTING":
            self.started_at, self.ended_at = self.started_at or event.timestamp, None
        if self.status in _ENDED:
            # What is told of the table afterwards, such as a verdict on it as a whole, lengthens nothing.
            self.ended_at = self.ended_at or event.timestamp
        if event.error is not None:
            self.error = str(event.error)
        metrics = event.details.get("metrics", {})
        self.rows_in += metrics.get("num_input_rows", 0)
        self.rows_written += metrics.get("num_output_rows", 0)
        self.rows_deleted += metrics.get("num_deleted_rows", 0)
        self.new_columns |= metrics.get("new_columns", {})
        for key in _REMARKABLE:
            if metrics.get(key):
                self.remarkable[key] = self.remarkable.get(key, 0) + metrics[key]
        quality = event.details.get("data_quality", {})
        self.rows_dropped += quality.get("dropped_records", 0)
        self.rows_warned += quality.get("warned_records", 0)
        for item in quality.get("expectations", ()):
            self.passed[item["name"]] = self.passed.get(item["name"], 0) + item["passed_records"]
            self.failed[item["name"]] = self.failed.get(item["name"], 0) + item["failed_records"]

    @property
    def notes(self) -> list[str]:
        """What is remarkable about it, in words."""
        counts = [
            f"{self.remarkable[key]:,} {one if self.remarkable[key] == 1 else many}"
            for key, (one, many) in _REMARKABLE.items()
            if key in self.remarkable
        ]
        columns = [f"new column {name} (from {file.rsplit('/', 1)[-1]})" for name, file in self.new_columns.items()]
        return counts + columns

    def verdict(self, rule: str) -> tuple[str, str]:
        """Return how much passed an expectation and how much failed it, in figures; empty where nothing was judged."""
        if rule not in self.passed:
            return "", ""
        passed, failed = self.passed[rule], self.failed.get(rule, 0)
        if rule in self.of_table:
            return "met" if passed and not failed else "", "not met" if failed else "" if passed else "not judged"
        return f"{passed:,}", f"{failed:,}"

    def sign(self, rule: str) -> str:
        """Return a sign for how an expectation came out."""
        if self.failed.get(rule):
            return "✘"
        return "✔" if self.passed.get(rule) else "·"

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

    def record(self) -> dict[str, Any]:
        """Return its figures with state, times, error and declaration, for `graph --format json` and the page."""
        return {
            "status": self.status,
            "started_at": text_of(self.started_at),
            "ended_at": text_of(self.ended_at),
            **self.facts(),
            "reasons": self.reasons,
            "expectations_of_table": sorted(self.of_table),
            "error": self.error,
            "inputs": list(self.inputs),
            "quarantine_of": self.quarantine_of,
            "comment": self.comment,
            "location": self.location,
            "schema": self.schema,
        }


def counted_files(count: int) -> str:
    """Return a number of files in words."""
    return f"{count:,} file{'' if count == 1 else 's'}"


def text_of(moment: datetime | None) -> str | None:
    """Return a moment in ISO 8601, or None."""
    return None if moment is None else moment.isoformat()
