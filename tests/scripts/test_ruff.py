"""What the project asks of ruff beyond its defaults: one clock, one place that builds sessions, nothing unfinished."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
UNFINISHED = "TO" + "DO"


def codes(path: str, text: str) -> list[str]:
    """Return the codes of the rules in question that ruff reports for a file of this path and text."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251,FIX", "--output-format", "json"]
    asked = [*command, "--stdin-filename", path, "-"]
    done = subprocess.run(asked, cwd=CHECKOUT, input=text, capture_output=True, text=True, check=False)
    return [found["code"] for found in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("alerts/a.py", "from datetime import UTC, datetime\ndatetime.now(UTC)\n", id="now"),
        pytest.param("pipeline/a.py", "import datetime\ndatetime.datetime.utcnow()\n", id="utcnow"),
        pytest.param("demo/a.py", "from datetime import date\ndate.today()\n", id="today"),
        pytest.param("tests/test_a.py", "import time\ntime.time()\n", id="time"),
        pytest.param("bench/a.py", "from time import time_ns\ntime_ns()\n", id="imported_time"),
        pytest.param("tests/a.py", "from pyspark.sql import SparkSession\nSparkSession.builder\n", id="session"),
        pytest.param("pipeline/a.py", "from pyspark import sql\nsql.SparkSession.builder\n", id="session_of_module"),
    ],
)
def test_ruff_reports_what_is_banned(path: str, text: str) -> None:
    assert set(codes(path, text)) == {"TID251"}


def test_ruff_reports_a_note_of_something_unfinished() -> None:
    assert codes("alerts/a.py", f"x = 1  # {UNFINISHED}: two\n") == ["FIX002"]


def test_ruff_allows_a_clock_that_is_given_and_a_stopwatch() -> None:
    assert codes("generators/a.py", "import time\ntime.monotonic()\nclock.now()\n") == []


def test_bans_are_lifted_in_one_line_of_each_module_that_owns_the_call() -> None:
    lifted = [
        file.relative_to(CHECKOUT).as_posix()
        for package in ("pipeline", "alerts", "generators", "demo", "bench", "superset", "docker", "scripts")
        for file in sorted((CHECKOUT / package).rglob("*.py"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if "noqa: TID251" in line
    ]
    assert lifted == ["pipeline/foundation/clock.py", "pipeline/foundation/shown.py", "pipeline/spark/session.py"]
