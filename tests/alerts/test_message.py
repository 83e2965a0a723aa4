"""What readers get."""

from __future__ import annotations

import pytest

from alerts.catalogue import SHIPPED, load_alerts
from alerts.decide import Decision
from alerts.message import compose, text_table
from alerts.model import State
from pipeline.foundation.errors import AuthorError
from pipeline.warehouse.hive import Result
from tests.alerts.doubles import NOON, spec_of

RESULT = Result(["device_id", "t"], [["Bee", None], ["A", 41.5]])
CHANGES = Decision(State.TRIGGERED, value=2, newly=("A",), still=("Bee",), recovered=("C",))


def test_shipped_message_names_the_alert_and_the_devices() -> None:
    spec = load_alerts(SHIPPED, [], NOON)[0].spec
    message = compose(spec, CHANGES, RESULT, NOON)
    assert message.subject == "[TRIGGERED] Overheating Equipment Alert"
    assert message.kind == "failure"
    for line in ("Newly hot: A", "Still hot: Bee", "Recovered: C", "A         | 41.5", "2026-03-01 12:00:00 UTC"):
        assert line in message.body


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("ALERT_NAME", "Hot"),
        ("ALERT_STATUS", "TRIGGERED"),
        ("ALERT_CONDITION", "number of rows > 0"),
        ("ALERT_THRESHOLD", "0"),
        ("ALERT_COLUMN", "number of rows"),
        ("QUERY_RESULT_VALUE", "2"),
        ("QUERY_RESULT_ROWS", "2"),
        ("QUERY_RESULT_COLS", "2"),
        ("QUERY_RESULT_TABLE", "device_id | t\n----------+-----\nA         | 41.5\nBee       |"),
        ("SEVERITY", "warning"),
        ("newly_triggered | join(',')", "A"),
        ("still_triggered | join(',')", "Bee"),
        ("newly_hot | join(',')", "A"),
        ("still_hot | join(',')", "Bee"),
        ("recovered | join(',')", "C"),
    ],
)
def test_variable_in_a_body_is_replaced_by_its_value(variable: str, expected: str) -> None:
    assert compose(spec_of(body=f"{{{{ {variable} }}}}"), CHANGES, RESULT, NOON).body == expected


@pytest.mark.parametrize(("state", "kind"), [("OK", "success"), ("ERROR", "warning"), ("TRIGGERED", "failure")])
def test_kind_of_a_message_follows_the_state(state: str, kind: str) -> None:
    assert compose(spec_of(), Decision(State(state)), None, NOON).kind == kind


def test_line_breaks_in_data_reach_neither_subject_nor_table() -> None:
    decision = Decision(State.TRIGGERED, value="x\r\nBcc: a@b")
    message = compose(spec_of(subject="{{ QUERY_RESULT_VALUE }}"), decision, RESULT, NOON)
    assert message.subject == "x Bcc: a@b"
    assert "a b" in text_table(Result(["c"], [["a\nb"]]))


def test_table_of_many_rows_shows_a_hundred_and_counts_the_rest() -> None:
    lines = text_table(Result(["c"], [[number] for number in range(130)])).splitlines()
    assert len(lines) == 103
    assert lines[-1] == "… and 30 more rows"


def test_thousands_of_devices_are_listed_up_to_a_hundred() -> None:
    decision = Decision(State.TRIGGERED, newly=tuple(f"D{number:04}" for number in range(5000)))
    body = compose(spec_of(body="{{ newly_triggered | join(',') }}"), decision, RESULT, NOON).body
    assert body.endswith("D0099,4900 more")


@pytest.mark.parametrize(
    "template",
    ["{{ ALERT_NAME.__class__ }}", "{{ newly_triggered.append(1) }}", "{{ 1 / 0 }}", "{{ QUERY_RESULT_ROWS + 'a' }}"],
)
def test_template_that_leaves_the_sandbox_or_fails_is_an_error(template: str) -> None:
    with pytest.raises(AuthorError):
        compose(spec_of(body=template), CHANGES, RESULT, NOON)
