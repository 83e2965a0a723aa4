"""What one table did in an update, according to the update's events."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.events.event import Event

_ENDED = frozenset({"COMPLETED", "FAILED", "SKIPPED", "STOPPED", "EXCLUDED"})

_FINAL_UNTIL_RESTART = frozenset({"FAILED", "SKIPPED"})
# Metrics that are reported when they are not 0, each with its unit in the singular and the plural.
_NOTED_METRICS = {
    "num_files": ("file", "files"),
    "num_corrupt_rows": ("corrupt record", "corrupt records"),
    "num_rescued_rows": ("row with rescued values", "rows with rescued values"),
    "num_files_set_aside": ("file set aside", "files set aside"),
    "num_late_rows": ("late row", "late rows"),
    "num_upserted_rows": ("row upserted", "rows upserted"),
    "num_removed_rows": ("row removed", "rows removed"),
    "num_closed_rows": ("version closed", "versions closed"),
    "num_ignored_rows": ("change ignored", "changes ignored"),
}


@dataclass
class TableProgress:
    """One table in one update.

    Attributes:
        inputs: The datasets and landing folders it reads.
        files: The landing folders among its inputs.
        quarantine_of: The table whose rejected rows it holds, or None.
        location: The file and line of its declaration.
        schema: Its columns, as Spark writes a struct.
        kept: How it is kept equal to its query, in a few words; empty in updates of earlier versions.
        kept_because: Why, in a sentence.
        passed: For each expectation, how many records meet it.
        failed: For each expectation, how many records violate it.
        reasons: For each expectation, why it exists.
        of_table: The expectations of the table as a whole; each counts as one record.
        new_columns: Columns added in this update, each with the file that brought it.
        noted: The counts behind `notes`, by the name of their metric.
    """

    name: str
    kind: str = ""
    inputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    quarantine_of: str | None = None
    comment: str = ""
    location: str = ""
    schema: str = ""
    kept: str = ""
    kept_because: str = ""
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
    noted: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its flow is done with this update."""
        return self.status in _ENDED

    def define(self, event: Event) -> None:
        """Add the definition of its dataset or of its flow."""
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
        # A long history repeats the same texts in every update.
        self.schema = sys.intern(details.get("schema", ""))
        self.kept, self.kept_because = (sys.intern(details.get(key, "")) for key in ("kept", "kept_because"))

    def progress(self, event: Event) -> None:
        """Add an event of its flow."""
        status = event.details["status"]
        if status != "COMPLETED" or self.status not in _FINAL_UNTIL_RESTART:
            # The verdict on the whole table comes after the flow and does not repair its failure.
            self.status = status
        if self.status == "STARTING":
            self.started_at, self.ended_at = self.started_at or event.timestamp, None
        if self.status in _ENDED:
            # Later events, such as the verdict on the whole table, do not extend the flow's run.
            self.ended_at = self.ended_at or event.timestamp
        if event.error is not None:
            self.error = str(event.error)
        metrics = event.details.get("metrics", {})
        self.rows_in += metrics.get("num_input_rows", 0)
        self.rows_written += metrics.get("num_output_rows", 0)
        self.rows_deleted += metrics.get("num_deleted_rows", 0)
        self.new_columns |= metrics.get("new_columns", {})
        for key in _NOTED_METRICS:
            if metrics.get(key):
                self.noted[key] = self.noted.get(key, 0) + metrics[key]
        quality = event.details.get("data_quality", {})
        self.rows_dropped += quality.get("dropped_records", 0)
        self.rows_warned += quality.get("warned_records", 0)
        for item in quality.get("expectations", ()):
            self.passed[item["name"]] = self.passed.get(item["name"], 0) + item["passed_records"]
            self.failed[item["name"]] = self.failed.get(item["name"], 0) + item["failed_records"]

    @property
    def notes(self) -> list[str]:
        """What deserves attention, in words."""
        counts = [
            f"{self.noted[key]:,} {one if self.noted[key] == 1 else many}"
            for key, (one, many) in _NOTED_METRICS.items()
            if key in self.noted
        ]
        columns = [f"new column {name} (from {file.rsplit('/', 1)[-1]})" for name, file in self.new_columns.items()]
        return counts + columns

    def verdict(self, rule: str) -> tuple[str, str]:
        """Return how much passed and how much failed an expectation, as text; empty if nothing was judged."""
        if rule not in self.passed:
            return "", ""
        passed, failed = self.passed[rule], self.failed.get(rule, 0)
        if rule in self.of_table:
            return "met" if passed and not failed else "", "not met" if failed else "" if passed else "not judged"
        return f"{passed:,}", f"{failed:,}"

    def sign(self, rule: str) -> str:
        """Return a sign for an expectation's outcome."""
        if self.failed.get(rule):
            return "✘"
        return "✔" if self.passed.get(rule) else "·"

    def seconds(self, now: datetime) -> float | None:
        """Return how long its flow has run, or None if it has not started."""
        return None if self.started_at is None else ((self.ended_at or now) - self.started_at).total_seconds()

    def definition(self) -> TableProgress:
        """Return a copy that has its definition and has done nothing."""
        return TableProgress(
            self.name, self.kind, self.inputs, self.files, self.quarantine_of, self.comment, self.location, self.schema,
            self.kept, self.kept_because,
        )  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Return what it did: its part of `run --json`."""
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
        """Return its figures, state and declaration: a node of `graph --format json`, and of the page's API."""
        return {
            "name": self.name,
            "type": self.kind,
            "status": self.status,
            "started_at": text_of(self.started_at),
            "ended_at": text_of(self.ended_at),
            **self.figures(),
            "reasons": self.reasons,
            "expectations_of_table": sorted(self.of_table),
            "error": self.error,
            "inputs": list(self.inputs),
            "quarantine_of": self.quarantine_of,
            "comment": self.comment,
            "location": self.location,
            "schema": self.schema,
            "kept": self.kept,
            "kept_because": self.kept_because,
        }


def text_of(moment: datetime | None) -> str | None:
    """Return a time in ISO 8601, or None."""
    return None if moment is None else moment.isoformat()
