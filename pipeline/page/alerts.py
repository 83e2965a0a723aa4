"""The alerts' states, from the table of their evaluations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from pipeline.delta.description import DeltaReader

if TYPE_CHECKING:
    from pathlib import Path

_NEWEST = 20
# An alert whose file was removed or renamed is never evaluated again; after this time it leaves the page.
_SHOWN_FOR = timedelta(days=30)


def alert_states(path: Path) -> list[dict[str, Any]]:
    """Return every alert with its state, its last evaluations and what became of its notifications.

    Alerts come in order of their names, an alert's evaluations newest first. An alert that was never evaluated is
    not among them, nor is one whose last evaluation was a month before the newest of all.

    Args:
        path: The table of evaluations, which need not exist.

    Raises:
        EnvironmentFaultError: The table cannot be read.
    """
    table = DeltaReader(path)
    newest = table.greatest("evaluated_at")
    if newest is None:
        return []
    recent = table.rows(where=f"evaluated_at >= '{(newest - _SHOWN_FOR).isoformat()}'")
    recent = recent.sort_by([("evaluated_at", "descending")])
    return [
        _state(recent.filter(pc.field("alert") == name).slice(0, _NEWEST).to_pylist())
        for name in sorted(recent["alert"].unique().to_pylist())
    ]


def _state(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    newest = evaluations[0]
    # Rows written before the column existed have no declaration.
    declaration = _mapping(newest.get("declaration"))
    row_states = _mapping(newest["row_states"])
    return {
        "name": newest["alert"],
        **{key: newest[key] for key in ("state", "severity", "evaluated_at", "value", "reason")},
        **{key: declaration.get(key) for key in ("condition", "schedule", "query", "runbook")},
        "triggered_rows": sorted(owner for owner, state in row_states.items() if state == "TRIGGERED"),
        "evaluations": [_evaluation(row) for row in evaluations],
    }


def _mapping(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else None
    return found if isinstance(found, dict) else {}


def _evaluation(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("evaluated_at", "state", "value", "rows", "reason", "destination", "delivery_error", "duration_ms")
    delivery = "delivered" if row["notified"] else "not delivered yet"
    return {
        **{key: row[key] for key in shown},
        "notification": "none due" if row["notification_id"] is None else delivery,
    }
