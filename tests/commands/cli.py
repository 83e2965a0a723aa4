"""The command line, called inside the tests' process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command

if TYPE_CHECKING:
    import pytest


def pipeline(*words: object) -> int:
    """Run a command and return its exit code."""
    return run_command(app, "python -m pipeline", list(map(str, words)))


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    """Return the JSON that a command prints."""
    assert pipeline(*words) == 0
    return json.loads(capsys.readouterr().out)
