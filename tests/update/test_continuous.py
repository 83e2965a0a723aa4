"""Continuous mode: all flows at once, columns that come, failures of one flow, and the end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.delta.table import Table
from pipeline.foundation.stop import Stop
from pipeline.selection import Selection
from pipeline.settings import load_settings
from pipeline.update.update import Update
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.update.result import UpdateResult
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES


class Running:
    """A continuous update in the background."""

    def __init__(self, lakehouse: TestLakehouse, settings: dict[str, Any]) -> None:
        self.lakehouse = lakehouse
        self.stop = Stop()
        self.results: list[UpdateResult] = []
        own = load_settings(lakehouse.settings_file).model_copy(update=settings)
        self._update = Update(lakehouse.home, own, lakehouse.clock, lambda: lakehouse.spark, cause="TEST")
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.results.append(self._update.run_continuously(self.stop))

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1500):
            if condition():
                return
            time.sleep(0.2)
        pytest.fail(f"not within five minutes: {self.lakehouse.logged('flow_progress')[-5:]}")

    def ended(self) -> UpdateResult:
        self.stop.ask()
        self._thread.join(timeout=120)
        (result,) = self.results
        return result

    def start(self) -> None:
        self._thread.start()


@contextmanager
def running(lakehouse: TestLakehouse, **settings: Any) -> Iterator[Running]:
    update = Running(lakehouse, settings)
    update.start()
    try:
        yield update
    finally:
        update.stop.ask()


def test_files_that_land_one_by_one_reach_gold_with_a_new_column_and_the_end_is_drained(
    lakehouse: TestLakehouse,
) -> None:
    with running(lakehouse) as update:
        lakehouse.land("a.json", [reading(), reading(None)])
        update.until(lambda: len(lakehouse.rows(GOLD)) == 1)
        lakehouse.land("b.json", [reading("MFG-A-1001", humidity_percent=40.0)])
        update.until(lambda: len(lakehouse.rows(GOLD)) == 2)
        lakehouse.land("c.json", [reading("MFG-A-1002", humidity_percent=41.0)])
        update.until(lambda: len(lakehouse.rows(GOLD)) == 3)
        result = update.ended()
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert result.statuses == dict.fromkeys(TABLES, "STOPPED")
    lakehouse.assert_invariants()
    assert sorted(str(row["humidity_percent"]) for row in lakehouse.rows(SILVER, "humidity_percent")) == [
        "40.0",
        "41.0",
        "None",
    ]
    metrics = lakehouse.metrics(BRONZE)
    assert len(metrics) == 3
    assert [(one["backlog_files"], one["backlog_bytes"]) for one in metrics] == [(0, 0)] * 3


def test_flow_that_fails_for_good_leaves_those_it_does_not_feed_running(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Table.append

    def broken_at_silver(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == SILVER:
            raise ValueError("a deterministic failure")
        return append(self, *given, **options)

    monkeypatch.setattr(Table, "append", broken_at_silver)
    with running(lakehouse) as update:
        lakehouse.land("a.json", [reading()])
        update.until(lambda: any(one["status"] == "FAILED" for one in lakehouse.logged("flow_progress", SILVER)))
        lakehouse.land("b.json", [reading(), reading(None)])
        update.until(lambda: len(lakehouse.rows(BRONZE)) == 3)
        result = update.ended()
    assert result.state == "FAILED"
    assert set(result.errors) == {SILVER}
    assert result.statuses[BRONZE] == "STOPPED"
    monkeypatch.undo()
    assert lakehouse.update(**vars(Selection())).state == "COMPLETED"
    lakehouse.assert_invariants()
