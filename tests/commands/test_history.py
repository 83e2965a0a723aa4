"""`history`: every update, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pipeline.home.places import Home

Captured = pytest.CaptureFixture[str]


def test_history_lists_updates_newest_first_with_what_they_did(home: Home, capsys: Captured) -> None:
    assert pipeline("history", "--home", home.root) == 0
    lines = capsys.readouterr().out.splitlines()
    failed = next(line for line in lines if "9f8e7d6c" in line)
    done = next(line for line in lines if "0a1b2c3d" in line)
    assert lines.index(failed) < lines.index(done)
    assert all(part in failed for part in ("USER_ACTION", "✘ FAILED", "2026-03-01 12:05:00", "7.0 s", "orders"))
    assert all(part in done for part in ("✔ COMPLETED", "10", "18", "2", "3"))


def test_history_as_json_has_every_figure(home: Home, capsys: Captured) -> None:
    assert pipeline("history", "--json", "--limit", "1", "--home", home.root) == 0
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
