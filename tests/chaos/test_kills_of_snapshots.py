"""Updates of tables that follow snapshots, killed at named points: no snapshot is lost, and none is taken twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.test_kills_with_state import KILLED, killed_update
from tests.flows.test_snapshot_table import FOLLOWING, home_of, stored, take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.chaos

# Of the second snapshot: its merge, its commit, its event.
POINTS = ("merge:1", "committed:1", "event-log-write:2", "event-log-write:3")


@pytest.mark.parametrize("point", POINTS)
def test_registry_has_each_snapshot_once_after_a_kill(lakehouse: TestLakehouse, tmp_path: Path, point: str) -> None:
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    take(tmp_path, 1, A="Oslo", B="Rome")
    assert home.update().state == "COMPLETED"
    take(tmp_path, 2, A="Paris", C="Bonn")
    killed = killed_update(home, point)
    assert killed.returncode == KILLED, f"{point} was never reached: {killed.stdout}{killed.stderr}"
    take(tmp_path, 3, A="Oslo")
    assert home.update().state == "COMPLETED"

    assert stored(home) == [
        ("A", "Oslo", 1, 2), ("A", "Oslo", 3, None), ("A", "Paris", 2, 3), ("B", "Rome", 1, 2), ("C", "Bonn", 2, 3)
    ]  # fmt: skip
    assert home.counted_by_events("registry") == {"registry": 5}
