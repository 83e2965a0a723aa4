from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pipeline.foundation.fault_points import VARIABLE, FaultPoint, reach

PASSES = """
import sys, time
from pipeline.foundation.fault_points import FaultPoint, reach
for number in range(1, 4):
    reach(FaultPoint.MERGE)
    print(number, flush=True)
if sys.argv[1:]:
    time.sleep(300)
"""


def passes(fault: str, *arguments: str) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", PASSES, *arguments], env={VARIABLE: fault}, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout.split()


@pytest.mark.parametrize(("fault", "passed"), [("merge", []), ("merge:1", []), ("merge:3", ["1", "2"])])
def test_process_dies_where_and_when_the_environment_asks_for_it(fault: str, passed: list[str]) -> None:
    assert passes(fault) == (-signal.SIGKILL, passed)


@pytest.mark.parametrize("fault", ["", "merge:4", "committed"])
def test_process_passes_a_point_that_nothing_asks_for(fault: str) -> None:
    assert passes(fault) == (0, ["1", "2", "3"])


def test_process_dies_a_while_after_it_reached_the_point() -> None:
    assert passes("merge:2:50", "wait") == (-signal.SIGKILL, ["1", "2", "3"])


def test_point_does_nothing_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    reach(FaultPoint.COMMITTED)
