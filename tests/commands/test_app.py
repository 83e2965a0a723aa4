"""All commands: wrong use, an empty lakehouse, and what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commands.cli import pipeline

if TYPE_CHECKING:
    from pipeline.home.places import Home

Captured = pytest.CaptureFixture[str]
NOTHING = "No update has run yet"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["run", "--home", "s3://bucket/home"], "must be a local path", id="home_elsewhere"),
        pytest.param(["run", "--pipeline", "none.yml"], "none.yml cannot be read", id="no_settings"),
        pytest.param(["rum"], "No such command", id="unknown_command"),
        pytest.param(["run", "--frefresh", "x"], "No such option", id="unknown_option"),
    ],
)
def test_wrong_use_ends_with_two_and_one_message(capsys: Captured, words: list[str], said: str) -> None:
    assert pipeline(*words) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


def test_readers_of_an_empty_lakehouse_say_what_to_do(empty: Home, capsys: Captured) -> None:
    assert pipeline("history", "--home", empty.root) == 0
    assert NOTHING in capsys.readouterr().out
    assert pipeline("history", "--json", "--home", empty.root) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert pipeline("graph", "--home", empty.root) == 1
    assert NOTHING in capsys.readouterr().err
    assert pipeline("events", "--home", empty.root) == 0
    assert "No event matches." in capsys.readouterr().out
    assert not empty.root.exists()


@pytest.mark.parametrize("words", [["events"], ["history"], ["graph"], ["--help"]], ids=lambda words: words[0])
def test_reader_imports_neither_spark_nor_great_expectations(home: Home, words: list[str]) -> None:
    program = (
        "import sys\n"
        "from pipeline.commands.app import app\n"
        "from pipeline.foundation.command_line import run_command\n"
        "code = run_command(app, 'python -m pipeline')\n"
        "print(code, sorted({'pyspark', 'great_expectations'} & set(sys.modules)), file=sys.stderr)\n"
    )
    place = [] if words == ["--help"] else ["--home", str(home.root)]
    done = subprocess.run([sys.executable, "-c", program, *words, *place], capture_output=True, text=True, check=False)
    assert done.stderr == "0 []\n"
