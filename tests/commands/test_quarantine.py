"""The quarantine's commands: what they print, and the code they end with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command
from tests.conftest import reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse


def quarantine(lakehouse: TestLakehouse, *words: str) -> int:
    return run_command(app, "python -m pipeline", ["quarantine", *words, "--home", str(lakehouse.home.root)])


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.usefixtures("_kept_session")
def test_rejected_rows_are_listed_shown_and_replayed(
    lakehouse: TestLakehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lakehouse.land("a.json", [reading(None, location="[red]x[/]"), reading(temperature_celsius=300.0), reading()])
    lakehouse.update()
    assert quarantine(lakehouse, "list", "--json") == 0
    rows = {row["failed_expectations"][0]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"valid_device_id", "plausible_temperature"}
    assert quarantine(lakehouse, "list", "--rule", "valid_device_id") == 0
    said = capsys.readouterr().out
    record_id = rows["valid_device_id"]["record_id"]
    assert "silver_quarantined_sensors: 1 row" in said
    assert record_id in said
    assert quarantine(lakehouse, "show", record_id) == 0
    said = capsys.readouterr().out
    assert "[red]x[/]" in said
    assert "NULL" in said
    file = tmp_path / "corrections.csv"
    file.write_text(f"record_id,column,value\n{record_id},device_id,MFG-A-1000\n")
    assert quarantine(lakehouse, "replay", "--corrections", str(file), "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["replayed"], facts["moved"], facts["still_failing"]) == (2, 1, {"plausible_temperature": 1})
    lakehouse.assert_invariants()
    assert quarantine(lakehouse, "show", "nobody") == 2
    assert "no row with the record_id nobody" in capsys.readouterr().err


def test_unknown_or_empty_quarantine_is_reported(lakehouse: TestLakehouse, capsys: pytest.CaptureFixture[str]) -> None:
    assert quarantine(lakehouse, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert quarantine(lakehouse, "list", "--table", "silver_quarantined") == 2
    assert "Did you mean `silver_quarantined_sensors`?" in capsys.readouterr().err
    assert quarantine(lakehouse, "show") == 2
    assert "No record_id was given." in capsys.readouterr().err
