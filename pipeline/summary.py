"""What an update has done so far, table by table, read from its events as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.event_log import Event


@dataclass
class TableProgress:
    """One table in one update.

    Attributes:
        failed: For each expectation, how many records violate it.
    """

    name: str
    kind: str = ""
    inputs: tuple[str, ...] = ()
    status: str = ""
    rows_in: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    rows_dropped: int = 0
    rows_warned: int = 0
    passed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Summary:
    """All tables of one update, in the order of its definitions."""

    def __init__(self) -> None:
        self.state = "CREATED"
        self.tables: dict[str, TableProgress] = {}

    def take(self, event: Event) -> None:
        """Take in an event."""
        if event.event_type == "update_progress":
            self.state = event.details["state"]
        name = event.origin.dataset_name
        if name is None:
            return
        table = self.tables.setdefault(name, TableProgress(name))
        if event.event_type == "flow_definition":
            table.inputs = (*event.details["input_files"], *event.details["input_datasets"])
        elif event.event_type == "dataset_definition":
            table.kind = event.details["dataset_type"].lower()
            table.actions = {item["name"]: item["action"] for item in event.details["expectations"]}
        elif event.event_type == "flow_progress":
            self._progressed(table, event)

    def facts(self, name: str) -> dict[str, Any]:
        """Return one table's figures under the names that `--json` prints."""
        table = self.tables.get(name, TableProgress(name))
        return {
            "rows_in": table.rows_in,
            "rows_written": table.rows_written,
            "rows_deleted": table.rows_deleted,
            "rows_dropped": table.rows_dropped,
            "rows_warned": table.rows_warned,
            "expectations": {
                rule: {
                    "action": action,
                    "passed": table.passed.get(rule, 0),
                    "failed": table.failed.get(rule, 0),
                }
                for rule, action in table.actions.items()
            },
            "notes": table.notes,
        }

    @staticmethod
    def _progressed(table: TableProgress, event: Event) -> None:
        table.status = event.details["status"]
        if table.status == "STARTING":
            table.started_at = event.timestamp
        if table.status in {"COMPLETED", "FAILED", "SKIPPED", "STOPPED"}:
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


def counted_files(count: int) -> str:
    """Return a number of files in words."""
    return f"{count:,} file{'' if count == 1 else 's'}"


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
