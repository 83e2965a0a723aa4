"""`graph`: an update's graph, drawn from the event log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home

Captured = pytest.CaptureFixture[str]


def test_graph_of_any_update_is_drawn_from_the_log(home: Home, capsys: Captured) -> None:
    assert pipeline("graph", "--update", "0a1b", "--home", home.root) == 0
    said = capsys.readouterr().out
    assert said.startswith("✔ COMPLETED  update 0a1b2c3d of Shop")
    assert "known_customer" in said
    assert pipeline("graph", "--home", home.root) == 0
    newest = capsys.readouterr().out
    assert all(part in newest for part in ("✘ orders", "FAILED", "⊘ paid_orders", "SKIPPED", "The disk is full."))


def test_graph_as_json_has_nodes_and_edges(home: Home, capsys: Captured) -> None:
    assert pipeline("graph", "--update", "0a1b", "--format", "json", "--home", home.root) == 0
    said = capsys.readouterr().out
    assert pipeline("graph", "--update", "0a1b", "--json", "--home", home.root) == 0
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


@pytest.mark.parametrize(("form", "begins"), [("mermaid", "flowchart LR"), ("json", "{"), ("text", "✘ FAILED")])
def test_graph_is_written_to_a_file(home: Home, tmp_path: Path, capsys: Captured, form: str, begins: str) -> None:
    file = tmp_path / "graph"
    assert pipeline("graph", "--format", form, "--output", str(file), "--home", home.root) == 0
    assert capsys.readouterr().out == f"Wrote {file}.\n"
    assert file.read_text(encoding="utf-8").startswith(begins)
    assert pipeline("graph", "--format", form, "--output", str(tmp_path / "none" / "graph"), "--home", home.root) == 1
    assert "graph cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["graph", "--update", "zz"], "No update has an id that begins with `zz`.", id="update"),
        pytest.param(["graph", "--format", "png"], "Invalid value for '--format'", id="format"),
    ],
)
def test_wrong_use_of_graph_ends_with_two_and_one_message(
    home: Home, capsys: Captured, words: list[str], said: str
) -> None:
    assert pipeline(*words, "--home", home.root) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
