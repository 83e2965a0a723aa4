"""Continuous mode: all flows at once, columns that come, failures of one flow, and the end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import continuous
from pipeline.flows.view import ViewFlow
from pipeline.selection import Selection
from pipeline.settings import load_settings
from pipeline.stop import Stop
from pipeline.tables import Table
from pipeline.update import Update
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.result import UpdateResult
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE, SILVER, QUARANTINE, GOLD = TABLES


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
        pytest.fail(f"not within five minutes: {self.lakehouse.told('flow_progress')[-5:]}")

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


@pytest.fixture(params=["in its batch", "before its query"])
def held_gold(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Gold goes no further before this is set."""
    may_go_on = threading.Event()
    process, source = ViewFlow.process, ViewFlow.source

    def waiting(self: ViewFlow, *given: Any) -> Any:
        may_go_on.wait(120)
        return process(self, *given)

    if request.param == "in its batch":
        monkeypatch.setattr(ViewFlow, "process", waiting)
    else:
        monkeypatch.setattr(ViewFlow, "source", lambda self: source(self) if may_go_on.is_set() else None)
    yield may_go_on
    may_go_on.set()


def test_end_that_comes_before_a_query_was_started_is_no_end_of_the_work(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, running(lakehouse) as update:
        patched.setattr(ViewFlow, "source", lambda _: None)
        lakehouse.land("a.json", [reading()])
        update.until(lambda: len(lakehouse.rows(SILVER)) == 1)
        assert update.ended().state == "CANCELED"
    assert lakehouse.update().state == "COMPLETED"
    assert len(lakehouse.rows(GOLD)) == 1


def test_queries_look_for_work_four_times_per_interval_and_a_fed_table_at_its_own(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces: dict[str, float] = {}
    started = Update._started

    def noting(self: Update, *given: Any) -> Any:
        paces[given[1].node.name] = given[3]
        return started(self, *given)

    monkeypatch.setattr(Update, "_started", noting)
    own = {BRONZE: timedelta(seconds=1), GOLD: timedelta(seconds=3)}
    with running(lakehouse, trigger_interval=timedelta(seconds=2), trigger_intervals=own) as update:
        lakehouse.land("a.json", [reading()])
        update.until(lambda: len(lakehouse.rows(GOLD)) == 1)
        assert update.ended().state == "COMPLETED"
    assert paces == {BRONZE: 0.25, SILVER: 0.5, GOLD: 3.0}


def test_files_wait_until_those_before_them_are_in_every_table(
    lakehouse: TestLakehouse, held_gold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "_LONGEST_YIELD_SECONDS", 600.0)
    with running(lakehouse) as update:
        lakehouse.land("a.json", [reading()])
        update.until(lambda: len(lakehouse.rows(SILVER)) == 1)
        lakehouse.land("b.json", [reading("MFG-A-1001")])
        lakehouse.land("c.json", [reading("MFG-A-1002")])
        time.sleep(3)
        assert len(lakehouse.rows(BRONZE)) == 1
        held_gold.set()
        update.until(lambda: len(lakehouse.rows(GOLD)) == 3)
        assert update.ended().state == "COMPLETED"
    assert [one["num_output_rows"] for one in lakehouse.metrics(BRONZE)] == [1, 2]


def test_files_do_not_wait_for_ever_for_a_flow_that_is_behind(
    lakehouse: TestLakehouse, held_gold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "_LONGEST_YIELD_SECONDS", 1.0)
    with running(lakehouse) as update:
        lakehouse.land("a.json", [reading()])
        update.until(lambda: len(lakehouse.rows(SILVER)) == 1)
        lakehouse.land("b.json", [reading("MFG-A-1001")])
        update.until(lambda: len(lakehouse.rows(SILVER)) == 2)
        held_gold.set()
        update.until(lambda: len(lakehouse.rows(GOLD)) == 2)
        assert update.ended().state == "COMPLETED"


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
        update.until(lambda: any(one["status"] == "FAILED" for one in lakehouse.told("flow_progress", SILVER)))
        lakehouse.land("b.json", [reading(), reading(None)])
        update.until(lambda: len(lakehouse.rows(BRONZE)) == 3)
        result = update.ended()
    assert result.state == "FAILED"
    assert set(result.errors) == {SILVER}
    assert result.statuses[BRONZE] == "STOPPED"
    monkeypatch.undo()
    assert lakehouse.update(**vars(Selection())).state == "COMPLETED"
    lakehouse.assert_invariants()
