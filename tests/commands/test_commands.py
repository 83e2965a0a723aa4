"""The command line: what it prints, and the code it ends with."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
import typer

from pipeline.commands.app import app
from pipeline.commands.entry import run_command
from pipeline.errors import EnvironmentFaultError
from pipeline.lock import exclusive
from tests.conftest import reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

Captured = pytest.CaptureFixture[str]


def pipeline(*words: str) -> int:
    return run_command(app, "python -m pipeline", words)


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
def test_run_prints_machine_readable_figures_and_files_follow_from_waiting_to_ingested(
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


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
def test_dry_run_checks_everything_and_writes_nothing(tmp_path: Path, capsys: Captured) -> None:
    assert pipeline("dry-run", "--home", str(tmp_path / "home")) == 0
    said = capsys.readouterr().out
    assert "gold_hourly_device_summary" in said
    assert said.endswith("Nothing was written.\n")
    assert pipeline("dry-run", "--json", "--home", str(tmp_path / "home")) == 0
    tables = {table["name"]: table for table in json.loads(capsys.readouterr().out)}
    assert tables["silver_cleaned_sensors"]["reads"] == ["bronze_sensor_readings"]
    assert tables["silver_cleaned_sensors"]["rules"]["high_temperature"] == "warn"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
@pytest.mark.parametrize(
    ("declaration", "suites", "said"),
    [
        pytest.param('@table(expectations="a")', ["a", "b"], "b.json is a suite for no declared table", id="suite"),
        pytest.param('@table(expectations="c")', ["a"], "there is no suite `c`", id="missing_suite"),
        pytest.param('@table(expectation="a")', ["a"], "Did you mean `expectations`?", id="unknown_option"),
        pytest.param("@materialized_view", [], "reads a stream", id="wrong_kind"),
    ],
)
def test_dry_run_of_a_wrong_pipeline_ends_with_two_and_one_sentence(
    tmp_path: Path, capsys: Captured, declaration: str, suites: list[str], said: str
) -> None:
    (tmp_path / "suites").mkdir()
    for name in suites:
        (tmp_path / "suites" / f"{name}.json").write_text(json.dumps({"name": name, "expectations": []}))
    (tmp_path / "a.py").write_text(
        "from pipeline import materialized_view, read_files, read_stream, table\n\n"
        f"@table\ndef raw():\n    return read_files('x')\n\n{declaration}\ndef a():\n    return read_stream('raw')\n"
    )
    settings = tmp_path / "a.yml"
    settings.write_text("name: A\nschema: a\nsource: a.py\nexpectations: suites\n")
    assert pipeline("dry-run", "--home", str(tmp_path / "home"), "--pipeline", str(settings)) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["run", "--home", "s3://bucket/home"], "must be a local path", id="home_elsewhere"),
        pytest.param(["run", "--pipeline", "none.yml"], "none.yml cannot be read", id="no_settings"),
        pytest.param(["rum"], "No such command", id="unknown_command"),
        pytest.param(["run", "--frefresh", "x"], "No such option", id="unknown_option"),
    ],
)
def test_wrong_use_ends_with_two_and_one_sentence(capsys: Captured, words: list[str], said: str) -> None:
    assert pipeline(*words) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("words", "what"),
    [
        pytest.param(["--full-refresh", "silver_cleaned_sensors"], "silver_cleaned_sensors and everything", id="one"),
        pytest.param(["--full-refresh-all"], "every table", id="all"),
    ],
)
def test_full_refresh_asks_first_and_a_no_leaves_everything_as_it_is(
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


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(
            EnvironmentFaultError("The disk is full.", "Free some."), 1, "The disk is full. Free some.", id="own"
        ),
        pytest.param(ZeroDivisionError("by zero"), 1, "Unforeseen ZeroDivisionError: by zero.", id="unforeseen"),
        pytest.param(KeyboardInterrupt(), 130, "Interrupted", id="interrupt"),
        pytest.param(typer.Abort(), 1, "Stopped.", id="declined"),
    ],
)
def test_error_of_a_command_is_one_message_and_the_traceback_is_for_debug(
    capsys: Captured, error: BaseException, code: int, said: str, debug: bool
) -> None:
    failing = typer.Typer()

    @failing.command()
    def fail() -> None:
        raise error

    assert run_command(failing, "fail", ["--debug"] if debug else []) == code
    message = capsys.readouterr().err
    assert said in message
    if isinstance(error, Exception) and not isinstance(error, typer.Abort):
        assert ("Traceback" in message) is debug
