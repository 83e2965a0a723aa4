"""`events`, `history` and `graph`: what commands say of the event log, without Spark."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.clock import FixedClock
from pipeline.commands.app import app
from pipeline.commands.entry import run_command
from pipeline.home import Home
from pipeline.settings import load_settings
from tests.conftest import NOON
from tests.record import log_writer
from tests.record.log_writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

Captured = pytest.CaptureFixture[str]
NOTHING = "No update is on record yet"


def pipeline(home: Home, *words: str) -> int:
    return run_command(app, "python -m pipeline", [*words, "--home", str(home.root)])


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


@pytest.fixture
def home(empty: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a completed update and, five minutes later, one that failed."""
    monkeypatch.setattr(log_writer, "SCHEMA", load_settings().target_schema)
    clock = FixedClock(NOON)
    writer = LogWriter(empty, clock)
    writer.whole("0a1b2c3d-first", 10, dropped=2, warned=3)
    clock.advance(timedelta(minutes=5))
    failed = "9f8e7d6c-second"
    writer.begin(failed)
    error = ValueError("The disk is full.\nFree some.")
    error.__cause__ = OSError("no space")
    clock.advance(timedelta(seconds=7))
    writer.tell(failed, "flow_progress", "orders", status="FAILED", error=error, level="ERROR")
    writer.tell(failed, "flow_progress", "paid_orders", status="SKIPPED", level="WARN")
    writer.tell(failed, "update_progress", state="FAILED", error=error, level="ERROR")
    writer.log.flush()
    return empty


def test_history_lists_updates_newest_first_with_what_they_did(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "history") == 0
    lines = capsys.readouterr().out.splitlines()
    failed = next(line for line in lines if "9f8e7d6c" in line)
    done = next(line for line in lines if "0a1b2c3d" in line)
    assert lines.index(failed) < lines.index(done)
    assert all(part in failed for part in ("USER_ACTION", "✘ FAILED", "2026-03-01 12:05:00", "7.0 s", "orders"))
    assert all(part in done for part in ("✔ COMPLETED", "10", "18", "2", "3"))


def test_history_for_machines_has_every_figure(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "history", "--json", "--limit", "1") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "update_id": "9f8e7d6c-second",
            "pipeline": "Shop",
            "cause": "USER_ACTION",
            "run_as": "mira",
            "state": "FAILED",
            "created_at": "2026-03-01T12:05:00+00:00",
            "ended_at": "2026-03-01T12:05:07+00:00",
            "duration_seconds": 7.0,
            "rows_in": 0,
            "rows_written": 0,
            "rows_dropped": 0,
            "rows_warned": 0,
            "failures": ["orders"],
            "errors": ["The disk is full.\nFree some."],
        }
    ]


def test_empty_lakehouse_says_what_to_do(empty: Home, capsys: Captured) -> None:
    assert pipeline(empty, "history") == 0
    assert NOTHING in capsys.readouterr().out
    assert pipeline(empty, "history", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert pipeline(empty, "graph") == 1
    assert NOTHING in capsys.readouterr().err
    assert pipeline(empty, "events") == 0
    assert "No event meets these conditions." in capsys.readouterr().out
    assert not empty.root.exists()


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
    assert pipeline(home, "events", "--json", *words) == 0
    assert len(json.loads(capsys.readouterr().out)) == count


def test_events_for_machines_are_rows_of_the_log_with_their_details_opened(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "events", "--json", "--limit", "1") == 0
    (event,) = json.loads(capsys.readouterr().out)
    assert {key: event[key] for key in ("event_type", "level", "timestamp", "details")} == {
        "event_type": "update_progress",
        "level": "ERROR",
        "timestamp": "2026-03-01T12:05:07+00:00",
        "details": {"state": "FAILED"},
    }
    assert [item["message"] for item in event["error"]["exceptions"]] == ["The disk is full.\nFree some.", "no space"]


def test_errors_among_events_are_told_whole_with_what_lies_behind_them(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "events", "--type", "flow_progress", "--level", "ERROR") == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-01 12:05:07.000 ERROR   9f8e7d6c flow_progress      flow_progress of orders",
        "    ValueError: The disk is full.",
        "      Free some.",
        "    because of OSError: no space",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["events", "--level", "WARNING"], "Did you mean `WARN`?", id="level"),
        pytest.param(["events", "--since", "yesterday"], "`yesterday` is neither a time nor", id="time"),
        pytest.param(["graph", "--update", "zz"], "No update has an id that begins with `zz`.", id="update"),
        pytest.param(["graph", "--format", "png"], "Invalid value for '--format'", id="format"),
    ],
)
def test_wrong_use_ends_with_two_and_one_sentence(home: Home, capsys: Captured, words: list[str], said: str) -> None:
    assert pipeline(home, *words) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


def test_graph_of_any_update_is_drawn_from_the_log(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "graph", "--update", "0a1b") == 0
    said = capsys.readouterr().out
    assert said.startswith("✔ COMPLETED  update 0a1b2c3d of Shop")
    assert "known_customer" in said
    assert pipeline(home, "graph") == 0
    newest = capsys.readouterr().out
    assert all(part in newest for part in ("✘ orders", "FAILED", "⊘ paid_orders", "SKIPPED", "The disk is full."))


def test_graph_for_machines_has_nodes_and_edges(home: Home, capsys: Captured) -> None:
    assert pipeline(home, "graph", "--update", "0a1b", "--format", "json") == 0
    said = capsys.readouterr().out
    assert pipeline(home, "graph", "--update", "0a1b", "--json") == 0
    assert capsys.readouterr().out == said
    graph: dict[str, Any] = json.loads(said)
    assert graph["update"]["state"] == "COMPLETED"
    nodes = {node["name"]: node for node in graph["nodes"]}
    assert [(name, node["type"]) for name, node in nodes.items()] == [
        ("landing/orders", "files"),
        ("orders", "streaming_table"),
        ("paid_orders", "streaming_table"),
    ]
    paid = nodes["paid_orders"]
    assert (paid["status"], paid["rows_in"], paid["rows_written"], paid["rows_dropped"]) == ("COMPLETED", 10, 8, 2)
    assert paid["expectations"]["known_customer"] == {"action": "drop", "passed": 8, "failed": 2}
    assert graph["edges"] == [
        {"source": "landing/orders", "target": "orders", "kind": "flow", "rows": 10},
        {"source": "orders", "target": "paid_orders", "kind": "flow", "rows": 10},
    ]


@pytest.mark.parametrize(
    ("form", "begins"), [("svg", "<svg "), ("mermaid", "flowchart LR"), ("json", "{"), ("text", "✘ FAILED")]
)
def test_graph_is_written_to_a_file(home: Home, tmp_path: Path, capsys: Captured, form: str, begins: str) -> None:
    file = tmp_path / "graph"
    assert pipeline(home, "graph", "--format", form, "--output", str(file)) == 0
    assert capsys.readouterr().out == f"Written to {file}.\n"
    assert file.read_text(encoding="utf-8").startswith(begins)
    assert pipeline(home, "graph", "--format", form, "--output", str(tmp_path / "none" / "graph")) == 1
    assert "graph cannot be written: No such file" in capsys.readouterr().err


def test_readers_answer_in_well_under_a_second(home: Home) -> None:
    began = time.perf_counter()
    for words in (["events"], ["history"], ["graph"]):
        assert pipeline(home, *words) == 0
    assert time.perf_counter() - began < 1.5
