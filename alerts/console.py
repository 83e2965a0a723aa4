"""The commands' output."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.commands.output import print_table
from pipeline.foundation.shown import say as echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.evaluate import Evaluation
    from alerts.history import Row
    from pipeline.commands.output import Cell

_MOST_NAMES = 5


def say(text: str) -> None:
    """Print to standard error; standard output is for results."""
    echo(text, err=True)


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as a mapping for JSON."""
    decision = evaluation.decision
    lists = {"newly_triggered": decision.newly, "still_triggered": decision.still, "recovered": decision.recovered}
    row = evaluation.row.model_dump(mode="json", exclude={"row_states"})
    return {"key": evaluation.key, **row, "previous_state": evaluation.previous_state, **lists}


def show_evaluations(evaluations: Sequence[Evaluation]) -> None:
    """Print evaluations as a table, and their reasons and pending notifications below it."""
    lines = [
        [
            one.row.alert,
            f"{one.previous_state} → {one.state}",
            one.row.value or "",
            _listed(one.decision.newly),
            _listed(one.decision.still),
            _listed(one.decision.recovered),
            _notification(one),
        ]
        for one in evaluations
    ]
    print_table(
        "", ["alert", "state", "value", "newly triggered", "still triggered", "recovered", "notification"], lines
    )
    for one in evaluations:
        if one.row.reason:
            echo(f"{one.row.alert}: {one.row.reason}")
        if one.waiting:
            say(f"{one.row.alert}: {one.waiting} not delivered; `watch` or the next `check` retries.")


def show_history(rows: Sequence[Row]) -> None:
    """Print recorded evaluations as a table."""
    lines: list[list[Cell]] = [
        [
            row.evaluated_at,
            row.alert,
            row.state,
            row.value or "",
            row.notification_id or "",
            ("delivered" if row.notified else row.delivery_error or "pending") if row.notification_id else "",
            row.reason,
        ]
        for row in rows
    ]
    print_table("", ["evaluated at (UTC)", "alert", "state", "value", "notification", "delivery", "reason"], lines)


def line(evaluation: Evaluation) -> str:
    """Return an evaluation as one line for the output of `watch`."""
    parts = [
        in_words(evaluation.row.evaluated_at),
        evaluation.row.alert,
        str(evaluation.state),
        _notification(evaluation),
    ]
    return "  ".join(part for part in [*parts, evaluation.row.reason] if part)


def in_words(moment: datetime) -> str:
    """Return a moment for readers, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _notification(one: Evaluation) -> str:
    pending = f"{one.waiting} pending" if one.waiting else ""
    if one.row.notification_id is None:
        return pending
    sent = f"{one.row.notification_id} to {one.row.destination}" if one.row.notified else one.row.delivery_error
    return "; ".join(part for part in (sent, pending) if part)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
