"""What the commands print."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.evaluate import Evaluation
    from alerts.history import Row

_MOST_OWNERS = 5
_NARROWEST = 120


def say(text: str) -> None:
    """Print for people; standard output stays free for results."""
    typer.echo(text, err=True)


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as a mapping for JSON."""
    decision = evaluation.decision
    lists = {"newly_hot": decision.newly, "still_hot": decision.still, "recovered": decision.recovered}
    row = evaluation.row.model_dump(mode="json", exclude={"row_states"})
    return {"key": evaluation.key, **row, "previous_state": evaluation.previous_state, **lists}


def show_evaluations(evaluations: Sequence[Evaluation]) -> None:
    """Print evaluations as a table, and below it what a reader has to know of each."""
    lines = [
        [
            one.row.alert,
            f"{one.previous_state} → {one.state}",
            one.row.value or "",
            _named(one.decision.newly),
            _named(one.decision.still),
            _named(one.decision.recovered),
            _told(one),
        ]
        for one in evaluations
    ]
    _show(["alert", "state", "value", "newly hot", "still hot", "recovered", "notification"], lines)
    for one in evaluations:
        if one.row.reason:
            typer.echo(f"{one.row.alert}: {one.row.reason}")
        if one.waiting:
            say(f"{one.row.alert}: {one.waiting} not delivered, tried again by `watch` or the next `check`.")


def show_history(rows: Sequence[Row]) -> None:
    """Print recorded evaluations as a table."""
    lines = [
        [
            in_words(row.evaluated_at),
            row.alert,
            row.state,
            row.value or "",
            row.notification_id or "",
            ("delivered" if row.notified else row.delivery_error or "waiting") if row.notification_id else "",
            row.reason,
        ]
        for row in rows
    ]
    _show(["evaluated at", "alert", "state", "value", "notification", "delivery", "reason"], lines)


def line(evaluation: Evaluation) -> str:
    """Return an evaluation on one line, for the log of `watch`."""
    parts = [
        in_words(evaluation.row.evaluated_at),
        evaluation.row.alert,
        str(evaluation.state),
        _told(evaluation),
    ]
    return "  ".join(part for part in [*parts, evaluation.row.reason] if part)


def in_words(moment: datetime) -> str:
    """Return a moment for people, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _told(one: Evaluation) -> str:
    waiting = f"{one.waiting} waiting" if one.waiting else ""
    if one.row.notification_id is None:
        return waiting
    sent = f"{one.row.notification_id} to {one.row.destination}" if one.row.notified else one.row.delivery_error
    return "; ".join(part for part in (sent, waiting) if part)


def _named(owners: Sequence[str]) -> str:
    more = len(owners) - _MOST_OWNERS
    return ", ".join(owners[:_MOST_OWNERS]) + (f" and {more} more" if more > 0 else "")


def _show(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    table = Table(*titles)
    for cells in lines:
        table.add_row(*cells)
    console = Console(markup=False, highlight=False)
    console.width = max(console.width, _NARROWEST)
    console.print(table)
