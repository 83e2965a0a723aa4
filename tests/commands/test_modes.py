"""How `run` runs: what each mode asks of its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
import pytest

from pipeline.commands.modes import Modes
from pipeline.commands.target import Target
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import Home
from pipeline.selection import Selection
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class NoSpark(Target):
    """Refuses to start a session, and remembers whether a lasting one was asked for."""

    lasting: list[bool] = field(default_factory=list)

    def session(self, *, is_lasting: bool = False) -> SparkSession:
        self.lasting.append(is_lasting)
        raise EnvironmentFaultError("There is no Java on this machine.", "Install one.")


@pytest.mark.parametrize("is_continuous", [False, True])
def test_session_of_one_update_is_short_and_of_the_continuous_mode_lasting(
    tmp_path: Path, is_continuous: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    target = NoSpark(Home(tmp_path / "home"), load_settings())
    modes = Modes(target, as_json=True)
    with pytest.raises((click.exceptions.Exit, EnvironmentFaultError)):
        modes.continuously() if is_continuous else modes.once(Selection())
    assert target.lasting == [is_continuous]
    assert "Traceback" not in capsys.readouterr().err
