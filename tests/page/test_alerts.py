"""The alerts' states on the page, read from the table of evaluations alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import write_deltalake

from alerts.history import SCHEMA, Row
from pipeline.page.alerts import alert_states
from tests.conftest import NOON

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

DECLARATION = '{"condition": "t > 40", "schedule": "every 2 min", "query": "SELECT 1", "runbook": "docs/hot.md"}'


def row(alert: str, at: datetime, **changes: Any) -> Row:
    facts = {"state": "OK", "value": "1", "rows": 1, "severity": "warning", "reason": "", "row_states": "{}"}
    ids = {"evaluation_id": f"{alert} {at}", "as_of": at, "duration_ms": 7, "declaration": DECLARATION}
    return Row.model_validate({"alert": alert, "evaluated_at": at, **facts, **ids, **changes})


def write(table: Path, *rows: Row, schema: pa.Schema = SCHEMA) -> None:
    values = [{name: getattr(one, name) for name in schema.names} for one in rows]
    write_deltalake(table, pa.Table.from_pylist(values, schema=schema), mode="append", schema_mode="merge")


def test_states_without_a_table_are_empty(tmp_path: Path) -> None:
    assert alert_states(tmp_path / "no table") == []


def test_states_of_an_empty_table_are_empty(tmp_path: Path) -> None:
    write_deltalake(tmp_path, SCHEMA.empty_table())
    assert alert_states(tmp_path) == []


def test_state_of_an_alert_is_that_of_its_last_evaluation_with_its_declaration(tmp_path: Path) -> None:
    sent = {"notification_id": "n1", "notified": True, "destination": "json://here"}
    write(
        tmp_path,
        row("Hot", NOON, **sent, state="TRIGGERED", row_states='{"B": "TRIGGERED", "A": "TRIGGERED", "C": "OK"}'),
        row("Hot", NOON - timedelta(minutes=2), reason="calm"),
    )
    times = {"value": "1", "rows": 1, "duration_ms": 7, "delivery_error": None}
    assert alert_states(tmp_path) == [
        {
            "name": "Hot",
            "state": "TRIGGERED",
            "severity": "warning",
            "evaluated_at": NOON,
            "value": "1",
            "reason": "",
            "condition": "t > 40",
            "schedule": "every 2 min",
            "query": "SELECT 1",
            "runbook": "docs/hot.md",
            "triggered_rows": ["A", "B"],
            "evaluations": [
                {
                    **times,
                    "evaluated_at": NOON,
                    "state": "TRIGGERED",
                    "reason": "",
                    "destination": "json://here",
                    "notification": "delivered",
                },
                {
                    **times,
                    "evaluated_at": NOON - timedelta(minutes=2),
                    "state": "OK",
                    "reason": "calm",
                    "destination": None,
                    "notification": "none due",
                },
            ],
        }
    ]


def test_row_written_before_the_declaration_existed_shows_what_it_has(tmp_path: Path) -> None:
    older = pa.schema([field for field in SCHEMA if field.name != "declaration"])
    write(tmp_path, row("Hot", NOON), schema=older)
    (state,) = alert_states(tmp_path)
    assert (state["name"], state["state"], state["condition"], state["query"]) == ("Hot", "OK", None, None)
    write(tmp_path, row("Hot", NOON + timedelta(minutes=2)))
    (state,) = alert_states(tmp_path)
    assert (state["condition"], len(state["evaluations"])) == ("t > 40", 2)


def test_pending_notification_is_not_delivered_yet(tmp_path: Path) -> None:
    write(tmp_path, row("Hot", NOON, notification_id="n1", delivery_error="refused"))
    (state,) = alert_states(tmp_path)
    assert [(one["notification"], one["delivery_error"]) for one in state["evaluations"]] == [
        ("not delivered yet", "refused")
    ]


def test_alerts_come_by_name_each_with_its_twenty_newest_evaluations(tmp_path: Path) -> None:
    moments = [NOON - number * timedelta(minutes=2) for number in range(25)]
    write(tmp_path, *[row("Warm", moment) for moment in moments], row("Cold", NOON - timedelta(days=29)))
    cold, warm = alert_states(tmp_path)
    assert [cold["name"], warm["name"]] == ["Cold", "Warm"]
    assert [one["evaluated_at"] for one in warm["evaluations"]] == moments[:20]


def test_alert_without_an_evaluation_for_a_month_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, row("Hot", NOON), row("Removed", NOON - timedelta(days=31), state="TRIGGERED"))
    assert [state["name"] for state in alert_states(tmp_path)] == ["Hot"]
