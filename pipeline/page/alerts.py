"""The alerts' states: what is declared, and what their evaluations found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alerts.catalogue import SHIPPED, load_alerts
from alerts.history import History

if TYPE_CHECKING:
    from alerts.history import Row
    from pipeline.clock import Clock
    from pipeline.home import Home

_NEWEST = 20


def alert_states(home: Home, clock: Clock) -> list[dict[str, Any]]:
    """Return every alert with its state, its last evaluations and what became of its notifications.

    An alert that was never evaluated is UNKNOWN.

    Raises:
        LakehouseError: An alert's file is wrong, or the evaluations cannot be read.
    """
    history = History(home.root)
    declared = {alert.spec.name: alert for alert in load_alerts(SHIPPED, (), clock.now())}
    recorded = {row.alert for row in history.newest(500)}
    states = []
    for name in [*declared, *sorted(recorded - set(declared))]:
        rows = history.latest(name, _NEWEST)
        alert = declared.get(name)
        newest = rows[0] if rows else None
        states.append(
            {
                "name": name,
                "state": newest.state if newest else "UNKNOWN",
                "severity": alert.spec.severity if alert else newest.severity if newest else None,
                "condition": str(alert.spec.condition) if alert else None,
                "schedule": _schedule(alert.spec) if alert else None,
                "query": alert.sql if alert else None,
                "runbook": alert.spec.runbook if alert else "",
                "evaluated_at": newest.evaluated_at if newest else None,
                "value": newest.value if newest else None,
                "reason": newest.reason if newest else "",
                "triggered_rows": _triggered(newest),
                "evaluations": [_evaluation(row) for row in rows],
            }
        )
    return states


def _schedule(spec: Any) -> str:
    schedule = spec.schedule
    every = getattr(schedule, "every", None)
    return f"every {int(every.total_seconds() // 60)} minutes" if every else f"cron {getattr(schedule, 'cron', '')}"


def _triggered(row: Row | None) -> list[str]:
    if row is None or not row.row_states:
        return []
    try:
        states = json.loads(row.row_states)
    except ValueError:
        return []
    return sorted(owner for owner, state in states.items() if state == "TRIGGERED") if isinstance(states, dict) else []


def _evaluation(row: Row) -> dict[str, Any]:
    return {
        "evaluated_at": row.evaluated_at,
        "state": row.state,
        "value": row.value,
        "rows": row.rows,
        "reason": row.reason,
        "notification": _notification(row),
        "destination": row.destination,
        "delivery_error": row.delivery_error,
        "duration_ms": row.duration_ms,
    }


def _notification(row: Row) -> str:
    if row.notification_id is None:
        return "none due"
    return "delivered" if row.notified else "not delivered yet"
