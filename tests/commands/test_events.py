"""`events`: the event log, filtered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pipeline.home.places import Home

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        pytest.param(["--level", "error"], 2, id="level"),
        pytest.param(["--level", "ERROR", "--level", "WARN"], 3, id="levels"),
        pytest.param(["--type", "create_update"], 2, id="type"),
        pytest.param(["--update", "0a1b", "--table", "orders", "--level", "METRICS"], 1, id="update_and_table"),
        pytest.param(["--since", "2026-03-01T12:05:01Z"], 3, id="since"),
        pytest.param(["--until", "2026-03-01T12:00:00Z", "--type", "update_progress"], 3, id="until"),
        pytest.param(["--since", "-1h"], 0, id="since_an_hour_ago"),
        pytest.param(["--limit", "5"], 5, id="limit"),
    ],
)
def test_events_are_filtered(home: Home, capsys: Captured, words: list[str], count: int) -> None:
    assert pipeline("events", "--json", *words, "--home", home.root) == 0
    assert len(json.loads(capsys.readouterr().out)) == count


def test_events_as_json_are_rows_of_the_log_with_details_as_objects(home: Home, capsys: Captured) -> None:
    assert pipeline("events", "--json", "--limit", "1", "--home", home.root) == 0
    (event,) = json.loads(capsys.readouterr().out)
    assert {key: event[key] for key in ("event_type", "level", "timestamp", "details")} == {
        "event_type": "update_progress",
        "level": "ERROR",
        "timestamp": "2026-03-01T12:05:07+00:00",
        "details": {"state": "FAILED"},
    }
    assert [item["message"] for item in event["error"]["exceptions"]] == ["The disk is full.\nFree some.", "no space"]


def test_errors_of_events_are_printed_with_their_causes(home: Home, capsys: Captured) -> None:
    assert pipeline("events", "--type", "flow_progress", "--level", "ERROR", "--home", home.root) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-01 12:05:07.000 ERROR   9f8e7d6c flow_progress      flow_progress of orders",
        "    ValueError: The disk is full.",
        "      Free some.",
        "    caused by OSError: no space",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["events", "--level", "WARNING"], "Did you mean `WARN`?", id="level"),
        pytest.param(["events", "--since", "yesterday"], "`yesterday` is neither a time nor", id="time"),
    ],
)
def test_wrong_filter_ends_with_two_and_one_message(home: Home, capsys: Captured, words: list[str], said: str) -> None:
    assert pipeline(*words, "--home", home.root) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
