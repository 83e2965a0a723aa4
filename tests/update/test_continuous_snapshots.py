"""Tables that follow snapshots while an update runs continuously."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.flows.test_snapshot_table import FOLLOWING, home_of, stored, take
from tests.update.test_continuous import Running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_snapshots_are_taken_while_an_update_runs(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, FOLLOWING)
    take(tmp_path, 1, A="Oslo")
    running = Running(home, {"trigger_interval": timedelta(milliseconds=200)})
    running.start()
    running.until(lambda: stored(home) == [("A", "Oslo", 1, None)])
    take(tmp_path, 2, A="Rome")
    running.until(lambda: len(stored(home)) == 2)
    result = running.ended()
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert stored(home) == [("A", "Oslo", 1, 2), ("A", "Rome", 2, None)]
    assert home.counted_by_events("registry") == {"registry": 2}
