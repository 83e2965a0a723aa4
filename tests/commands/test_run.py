"""`run`: one update, what it prints, and the code it ends with."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from pipeline.home.lock import exclusive
from tests.commands.cli import pipeline
from tests.conftest import reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

Captured = pytest.CaptureFixture[str]


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
def test_run_prints_json_figures_and_files_change_from_waiting_to_ingested(
    lakehouse: TestLakehouse, capsys: Captured
) -> None:
    home = str(lakehouse.home.root)
    lakehouse.land("a.json", [reading(), reading(None)])
    assert pipeline("files", "--json", "--home", home) == 0
    (file,) = json.loads(capsys.readouterr().out)
    assert (file["table"], file["state"], file["rows"]) == ("bronze_sensor_readings", "waiting", 0)
    assert pipeline("run", "--json", "--home", home) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["state"] == "COMPLETED"
    silver = facts["tables"]["silver_cleaned_sensors"]
    assert {key: silver[key] for key in ("rows_in", "rows_written", "rows_dropped", "rows_warned")} == {
        "rows_in": 2,
        "rows_written": 1,
        "rows_dropped": 1,
        "rows_warned": 0,
    }
    assert silver["expectations"]["valid_device_id"] == {"action": "drop", "passed": 1, "failed": 1}
    assert pipeline("files", "--json", "--home", home) == 0
    (file,) = json.loads(capsys.readouterr().out)
    assert (file["state"], file["rows"], file["path"].rsplit("/", 1)[-1]) == ("ingested", 2, "a.json")


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
def test_run_that_fails_ends_with_one_and_names_table_and_reason(lakehouse: TestLakehouse, capsys: Captured) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.path("bronze_sensor_readings").parent.mkdir(parents=True)
    lakehouse.path("bronze_sensor_readings").write_text("a file in the way")
    assert pipeline("run", "--home", str(lakehouse.home.root)) == 1
    said = capsys.readouterr()
    assert said.err.startswith("bronze_sensor_readings: ")
    assert "Traceback" not in said.err


def test_run_while_another_update_runs_ends_with_three(lakehouse: TestLakehouse, capsys: Captured) -> None:
    lakehouse.home.make_writable()
    with exclusive(lakehouse.home, lakehouse.clock, "update 1234"):
        assert pipeline("run", "--home", str(lakehouse.home.root)) == 3
    assert "Another update holds this lakehouse: update 1234" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        pytest.param(["--full-refresh", "silver_cleaned_sensors"], "silver_cleaned_sensors and everything", id="one"),
        pytest.param(["--full-refresh-all"], "every table", id="all"),
    ],
)
def test_full_refresh_asks_first_and_changes_nothing_after_a_no(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, words: list[str], what: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert pipeline("run", *words, "--home", str(tmp_path / "home")) == 1
    assert f"A full refresh empties {what}" in capsys.readouterr().out
    assert not (tmp_path / "home" / "smart_factory").exists()


def test_home_that_cannot_be_written_ends_with_one_and_the_remedy(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "landing").write_text("a file in the way")
    assert pipeline("run", "--home", str(tmp_path)) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"The home cannot be written: {tmp_path / 'landing'}: File exists.")
    assert message.count("\n") == 1
