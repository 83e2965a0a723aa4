"""The demo's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.__main__ import app
from pipeline.foundation.command_line import run_command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("compose", "You should see them read within seconds"),
        ("local", "You should see them waiting"),
        ("", "You should see them waiting"),
    ],
)
def test_act_plays_where_the_environment_says(
    variable: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK", variable)
    assert run_command(app, "python -m demo", ["act1", "--home", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert says in printed
    assert "5 new files have landed" in printed


def test_reset_deletes_landing_files_tables_and_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(app, "python -m demo", ["act1", "--home", str(tmp_path)])
    assert list((tmp_path / "landing" / "sensor_readings").iterdir())
    assert run_command(app, "python -m demo", ["reset", "--yes", "--home", str(tmp_path)]) == 0
    assert not (tmp_path / "landing").exists()
    capsys.readouterr()
    assert run_command(app, "python -m demo", ["reset", "--yes", "--home", str(tmp_path / "nothing")]) == 0
    assert "There is no lakehouse" in capsys.readouterr().out
