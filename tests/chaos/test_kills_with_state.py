"""Updates of tables with state, killed at named points: the tables equal those of updates that nobody killed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.fault_points import VARIABLE
from pipeline.home.places import CHECKOUT
from tests.flows.messages import GUARDED_HOURS, GUARDED_ONCE, land, messages, rows
from tests.quality.suite_files import expectation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.chaos

KILLED = -9
POINTS = (
    *(f"committed:{number}" for number in range(2, 8)),
    *(f"before-quarantine:{number}" for number in range(1, 4)),
    *(f"event-log-write:{number}" for number in (2, 4, 6)),
    "merge:1",
    "merge:2:400",
)
TABLES = f"""
{GUARDED_ONCE}
@table(expectations="counted", quarantine="busy")
def counted():
    return read_stream("messages").groupBy("device").agg(F.count("*").alias("readings"))

@table
def busy():
    return read_quarantine("counted")
{GUARDED_HOURS}
"""
FILLED = ("once", "unknown", "counted", "busy", "hours", "busy_hours")


@pytest.mark.parametrize("point", POINTS)
def test_tables_with_state_equal_their_queries_after_a_kill(
    lakehouse: TestLakehouse, tmp_path: Path, point: str
) -> None:
    calm = expectation("column_values_to_be_between", "calm", "drop", column="readings", max_value=2)
    known = expectation("column_values_to_not_be_null", "known", "drop", column="device")
    home = messages(lakehouse, tmp_path, TABLES, once=[known], counted=[calm], hours=[calm])
    land(home, "a.json", ("1", "P1", "08:10"), ("1", "P1", "08:10"), ("2", "P2", "08:20"), ("3", None, "08:30"))
    assert home.update().state == "COMPLETED"
    land(home, "b.json", ("2", "P2", "08:25"), ("4", "P1", "08:40"), ("5", None, "09:10"), ("6", "P3", "09:20"))
    killed = killed_update(home, point)
    assert killed.returncode == KILLED, f"{point} was never reached: {killed.stdout}{killed.stderr}"
    land(home, "c.json", ("6", "P3", "09:30"), ("7", "P3", "10:40"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "once", "id", "device") == [("1", "P1"), ("2", "P2"), ("4", "P1"), ("6", "P3"), ("7", "P3")]
    assert rows(home, "unknown", "id", "device") == [("3", None), ("5", None)]
    assert rows(home, "counted", "device", "readings") == [("P2", 2), (None, 2)]
    assert rows(home, "busy", "device", "readings") == [("P1", 3), ("P3", 3)]
    hours = [
        (device, start.hour, readings) for device, start, readings in rows(home, "hours", "device", "start", "readings")
    ]
    assert hours == [("P2", 8, 2), ("P3", 10, 1), ("P3", 9, 2), (None, 8, 1), (None, 9, 1)]
    assert rows(home, "busy_hours", "device", "readings") == [("P1", 3)]
    assert home.counted_by_events(*FILLED) == {table: len(home.rows(table)) for table in FILLED}


def killed_update(home: TestLakehouse, point: str) -> subprocess.CompletedProcess[str]:
    command: list[Any] = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "--home",
        home.home.root,
        "--pipeline",
        home.settings_file,
    ]
    environment = {**os.environ, VARIABLE: point}
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
