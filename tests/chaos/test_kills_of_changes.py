"""Updates of change tables, killed at named points: the tables equal those of updates that nobody killed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.chaos.test_kills_with_state import KILLED, killed_update
from tests.flows.changes_reference import events_of_keys, newest_rows, versions
from tests.flows.registry import DELETES, land_changes, registry, stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.chaos

# Of the second batch: bronze's commit, the journal's, then the registry's.
POINTS = ("committed:2", "committed:3", "merge:1", "merge:1:300", "event-log-write:2", "event-log-write:3")


@pytest.mark.parametrize("scd_type", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_registry_equals_the_reference_after_a_kill(
    lakehouse: TestLakehouse, tmp_path: Path, point: str, scd_type: int
) -> None:
    home = registry(lakehouse, tmp_path, f"scd_type={scd_type}, {DELETES}")
    events = events_of_keys(Random(point), 60)
    land_changes(home, "a.json", events[:100])
    assert home.update().state == "COMPLETED"
    land_changes(home, "b.json", events[100:200])
    killed = killed_update(home, point)
    assert killed.returncode == KILLED, f"{point} was never reached: {killed.stdout}{killed.stderr}"
    land_changes(home, "c.json", events[200:])
    assert home.update().state == "COMPLETED"

    found = stored(home, of_versions=scd_type == 2)
    assert found == (newest_rows(events) if scd_type == 1 else versions(events))
    assert home.counted_by_events("changes", "registry") == {
        "changes": len(events), "registry": len(found),
    }  # fmt: skip
