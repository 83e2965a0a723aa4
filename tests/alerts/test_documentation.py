"""The documentation names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.__main__ import app
from alerts.catalogue import SHIPPED, load_alerts
from alerts.decide import Decision
from alerts.message import variables_of
from alerts.model import Aggregation, AlertSpec, Condition, Operator, State
from alerts.schedule import Schedule
from pipeline.warehouse.hive import Result
from tests.alerts.doubles import NOON, spec_of

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text()


@pytest.mark.parametrize("key", [*AlertSpec.model_fields, *Condition.model_fields, *Schedule.model_fields])
def test_documentation_names_every_key(key: str) -> None:
    assert f"`{key}" in TEXT


@pytest.mark.parametrize("word", [*Operator, *Aggregation])
def test_documentation_names_every_operator_and_aggregation(word: str) -> None:
    assert word in TEXT


@pytest.mark.parametrize("variable", variables_of(spec_of(), Decision(State.OK), Result((), ()), NOON))
def test_documentation_names_every_variable(variable: str) -> None:
    assert f"`{variable}`" in TEXT


@pytest.mark.parametrize(
    "command", [one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands]
)
def test_documentation_names_every_command(command: str) -> None:
    assert f"python -m alerts {command}" in TEXT


def test_runbook_of_every_shipped_alert_is_a_heading() -> None:
    for alert in load_alerts(SHIPPED, [], NOON):
        anchor = alert.spec.runbook.partition("#")[2]
        assert anchor.replace("-", " ") in TEXT.lower()
        assert alert.spec.name in TEXT
