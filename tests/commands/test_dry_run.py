"""`dry-run`: everything is checked, and nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pathlib import Path


Captured = pytest.CaptureFixture[str]


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
    assert tables["gold_hourly_device_summary"]["kept"] == "by touched keys"
    assert tables["gold_device_status"]["kept"] == "by stored results"
    assert tables["gold_hourly_device_summary"]["kept_because"] in " ".join(said.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spark
@pytest.mark.usefixtures("_kept_session")
@pytest.mark.parametrize(
    ("declaration", "suites", "said"),
    [
        pytest.param(
            '@table(expectations="a")', ["a", "b"], "b.json is not the suite of any declared table", id="suite"
        ),
        pytest.param('@table(expectations="c")', ["a"], "there is no suite `c`", id="missing_suite"),
        pytest.param('@table(expectation="a")', ["a"], "Did you mean `expectations`?", id="unknown_option"),
        pytest.param("@materialized_view", [], "reads a stream", id="wrong_kind"),
    ],
)
def test_dry_run_of_a_wrong_pipeline_ends_with_two_and_one_message(
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
