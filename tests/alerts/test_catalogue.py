"""Alerts as files: what is read, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from alerts.catalogue import SHIPPED, load_alert, load_alerts
from alerts.model import State
from pipeline.foundation.errors import AuthorError, UnknownNameError
from tests.alerts.doubles import NOON

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "name": "Hot",
    "query": "hot.sql",
    "condition": {"operator": ">", "threshold": 0},
    "schedule": {"every": "2m"},
}


def write(folder: Path, *, sql: str = "SELECT 1 WHERE now() > :now", stem: str = "hot", **changes: Any) -> Path:
    declared = {key: value for key, value in (GOOD | changes).items() if value is not None}
    (folder / "hot.sql").write_text(sql)
    path = folder / f"{stem}.yml"
    path.write_text(yaml.safe_dump(declared))
    return path


def test_shipped_alert_is_the_overheating_one() -> None:
    (alert,) = load_alerts(SHIPPED, [], NOON)
    spec = alert.spec
    assert (alert.key, spec.name) == ("overheating_equipment", "Overheating Equipment Alert")
    assert (spec.schedule.every, spec.stale_after) == (timedelta(minutes=2), timedelta(minutes=10))
    assert (spec.stale_data_state, spec.per_row, str(spec.condition)) == (
        State.ERROR,
        "device_id",
        "number of rows > 0",
    )


def test_alert_is_found_by_its_file_and_by_its_name(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_alerts(tmp_path, ["hot"], NOON) == load_alerts(tmp_path, ["Hot"], NOON)


def test_unknown_alert_names_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean `hot`"):
        load_alerts(tmp_path, ["hott"], NOON)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"notify_on_okay": True}, "Did you mean `notify_on_ok`?", id="key"),
        pytest.param(
            {"condition": {"operatr": ">", "operator": ">", "threshold": 0}},
            "hot.yml:3: there is no key `condition.operatr`. Did you mean `condition.operator`?",
            id="key of the condition",
        ),
        pytest.param(
            {"schedule": {"every": "2m", "pause": True}}, "Did you mean `schedule.paused`?", id="key of the schedule"
        ),
        pytest.param({"name": None}, "`name`: Field required", id="no name"),
        pytest.param({"condition": {"operator": "ABOVE", "threshold": 0}}, "got 'ABOVE'", id="operator"),
        pytest.param({"condition": {"operator": ">"}}, "needs either `threshold`", id="no threshold"),
        pytest.param({"condition": {"operator": ">", "threshold": "0"}}, "give a number", id="text of rows"),
        pytest.param(
            {"condition": {"column": "c", "operator": "IS_NULL", "threshold": 1}},
            "takes no threshold; leave it out. Correct",
            id="null",
        ),
        pytest.param(
            {"condition": {"column": "c", "operator": ">", "threshold": 1, "threshold_column": "d"}},
            "needs either",
            id="two thresholds",
        ),
        pytest.param(
            {"condition": {"column": "c", "aggregation": "MAX", "operator": ">", "threshold_column": "d"}},
            "leave `aggregation` out",
            id="aggregation with a threshold column",
        ),
        pytest.param(
            {
                "per_row": "d",
                "condition": {"column": "c", "aggregation": "MAX", "operator": ">", "threshold": 1},
            },
            "leave `aggregation` out",
            id="aggregation of rows judged alone",
        ),
        pytest.param({"empty_result_state": "OK"}, "needs `column`", id="empty result of a count"),
        pytest.param({"null_state": "UNKNOWN"}, "got 'UNKNOWN'", id="state"),
        pytest.param({"stale_after": "10m"}, "belong together", id="limit without freshness"),
        pytest.param({"freshness": "SELECT 1", "stale_after": "10 minutes"}, "is not a duration", id="duration"),
        pytest.param(
            {"freshness": "SELECT 1", "stale_after": "10m", "stale_data_state": "OK"},
            "got 'OK'",
            id="stale is never OK",
        ),
        pytest.param({"schedule": {}}, "Write either `every", id="no rhythm"),
        pytest.param({"schedule": {"every": "2m", "cron": "* * * * *"}}, "Write either", id="two rhythms"),
        pytest.param({"schedule": {"every": "0s"}}, "longer than 0s", id="no time between"),
        pytest.param({"schedule": {"cron": "0 0/2 * * * ?"}}, "five fields", id="quartz"),
        pytest.param({"schedule": {"cron": "99 * * * *"}}, "is not a valid cron expression", id="cron"),
        pytest.param({"schedule": {"cron": "* * * * *", "timezone": "Mars/Base"}}, "not a known time zone", id="zone"),
        pytest.param({"schedule": {"every": "2m", "timezone": "UTC"}}, "belongs to `cron`", id="zone without cron"),
        pytest.param({"pending_for": "0s"}, "longer than 0s", id="no time pending"),
        pytest.param({"retrigger": "twice"}, "is not a duration", id="retrigger"),
        pytest.param({"query": "missing.sql"}, "cannot be read", id="no query"),
        pytest.param({"body": "{{ ALERT_NAM }}"}, "Did you mean `ALERT_NAME`?", id="variable"),
        pytest.param({"body": "{% if %}"}, "template fails", id="template"),
        pytest.param({"subject": "{{ ''.__class__.__mro__ }}"}, "template fails", id="way out of the sandbox"),
    ],
)
def test_alert_with_a_mistake_is_refused_with_a_message(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(AuthorError) as caught:
        load_alert(write(tmp_path, **changes), NOON)
    assert says in str(caught.value)
    assert "hot.yml" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "says"),
    [("  ", "is empty"), ("SELECT :later", "there is no parameter `:later`")],
)
def test_query_with_a_mistake_is_refused_with_a_message(tmp_path: Path, sql: str, says: str) -> None:
    with pytest.raises(AuthorError) as caught:
        load_alert(write(tmp_path, sql=sql), NOON)
    assert says in str(caught.value)


def test_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text("name: [")
    with pytest.raises(AuthorError, match="cannot be read"):
        load_alert(path, NOON)


def test_two_alerts_with_the_same_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, stem="warm")
    with pytest.raises(AuthorError, match="both named `Hot`"):
        load_alerts(tmp_path, [], NOON)


def test_folder_without_alerts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="contains no alerts"):
        load_alerts(tmp_path, [], NOON)


def test_every_option_at_once_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        condition={"column": "t", "operator": "GREATER_THAN", "threshold": 40.5},
        empty_result_state="OK",
        null_state="TRIGGERED",
        per_row="device_id",
        freshness="SELECT max(at) FROM readings",
        stale_after="10m",
        schedule={"cron": "*/2 * * * *", "timezone": "Europe/Berlin", "paused": True},
        notify_on_ok=True,
        retrigger="30m",
        mute_until="2026-03-01T13:00:00Z",
        severity="info",
        runbook="docs/alerts.md",
        destinations=["ops"],
        subject="{{ ALERT_NAME }}",
        body="{{ QUERY_RESULT_TABLE }} {{ newly_hot }}",
    )
    spec = load_alert(path, NOON).spec
    assert spec.retrigger == timedelta(minutes=30)
    assert spec.mute_until == NOON + timedelta(hours=1)
