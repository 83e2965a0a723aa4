"""Events that were lost are restored from the tables' own commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_lost_events_that_count_rows_are_restored_from_the_commits(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    lakehouse.land("b.json", [reading(at="2026-03-01T11:40:00"), reading(None), reading("MFG-A-1001")])
    second = lakehouse.update().update_id
    log = DeltaTable(lakehouse.path("event_log"))
    log.delete(f"level = 'METRICS' AND origin.update_id = '{second}'")
    assert lakehouse.counted_by_events(*TABLES) == dict(zip(TABLES, (2, 1, 1, 1, 1), strict=True))

    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    repaired = [metrics for table in TABLES for metrics in lakehouse.metrics(table) if metrics.get("repaired")]
    assert [metrics["num_output_rows"] for metrics in repaired] == [3, 2, 2, 2]
    events = len(lakehouse.metrics(TABLES[0]))
    assert lakehouse.update().state == "COMPLETED"
    assert len(lakehouse.metrics(TABLES[0])) == events


def test_log_that_is_gone_altogether_counts_every_row_again(lakehouse: TestLakehouse) -> None:
    for name in ("a.json", "b.json"):
        lakehouse.land(name, [reading(), reading(None)])
        lakehouse.update()
    log = lakehouse.path("event_log")
    log.rename(log.with_name("event_log_lost"))
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
