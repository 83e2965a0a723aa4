"""What the runner does before and around a query."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.delta.batch import Batch, Written
from pipeline.events.log import EventLog
from pipeline.flows.flow import Flow, Progress
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import DamagedStateError
from pipeline.spark.executor_times import ExecutorTimes
from pipeline.update.query_runner import FlowQuery, QueryRunner
from tests.update.fakes import FakeFlow, FakeReporter

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame

    from pipeline.events.log import Totals

ROWS = cast("DataFrame", object())


class FakeTimes(ExecutorTimes):
    def __init__(self) -> None:
        """Need no session."""

    def since_last(self) -> dict[str, int]:
        return {"executor_time_ms": 12}


class OneBatch(FakeFlow):
    """A flow whose batches write two rows, or raise."""

    def __init__(self, history: list[Any]) -> None:
        super().__init__("silver", "bronze")
        self.history = history
        self.raises: BaseException | None = None

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        assert rows is ROWS
        if self.raises is not None:
            raise self.raises
        self.history.append(("process", batch.batch_id))
        return Progress(3, {"silver": Written(rows=2)}, facts={"num_late_rows": 1})


class KeptReporter(FakeReporter):
    def __init__(self, history: list[Any]) -> None:
        super().__init__()
        self.history = history

    def batch_done(self, flow: Flow, batch: Batch, progress: Progress) -> None:
        self.history.append(("log", flow.node.name, batch, progress))

    def flush(self) -> None:
        self.history.append("flush")


@pytest.fixture
def history() -> list[Any]:
    return []


@pytest.fixture
def flow(history: list[Any]) -> OneBatch:
    return OneBatch(history)


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


@pytest.fixture
def query(flow: OneBatch, history: list[Any], stopped: threading.Event) -> FlowQuery:
    return FlowQuery(flow, FakeTimes(), KeptReporter(history), "an update", stopped)


def test_batch_is_written_then_logged_with_its_cost_and_backlog_and_the_log_is_flushed(
    query: FlowQuery, flow: OneBatch, history: list[Any]
) -> None:
    flow.is_behind = True
    query.carry(ROWS, 4)
    facts = {"num_late_rows": 1, "backlog_files": 1, "backlog_bytes": 0, "executor_time_ms": 12}
    progress = Progress(3, {"silver": Written(rows=2)}, facts=facts)
    batch = Batch("an update", "silver", "the flow", 4)
    assert history == [("process", 4), ("log", "silver", batch, progress), "flush"]
    assert query.batch_failure is None


# A panic in one of the libraries' own code is not an `Exception`.
@pytest.mark.parametrize(
    ("error", "passed_on"), [(ValueError("a"), ValueError), (BaseException("panicked"), RuntimeError)]
)
def test_failure_of_a_batch_is_kept_and_reaches_spark_without_an_event(
    query: FlowQuery, flow: OneBatch, history: list[Any], error: BaseException, passed_on: type[Exception]
) -> None:
    flow.raises = error
    with pytest.raises(passed_on):
        query.carry(ROWS, 0)
    assert query.batch_failure is error
    assert history == []


def test_batch_of_an_update_that_was_stopped_is_not_begun(
    query: FlowQuery, history: list[Any], stopped: threading.Event
) -> None:
    stopped.set()
    with pytest.raises(InterruptedError):
        query.carry(ROWS, 0)
    assert history == []
    assert query.batch_failure is None


class WithoutSource(FakeFlow):
    """A flow whose source has no table yet."""

    def __init__(self) -> None:
        super().__init__("silver", "bronze")
        self.checked: list[int] = []
        self.is_damaged = False

    def check_sound(self, totals: Totals) -> None:
        self.checked.append(totals.rows["silver"])
        if self.is_damaged:
            raise DamagedStateError("a", "b")

    def source(self) -> DataFrame | None:
        return None


@pytest.fixture
def runner(tmp_path: Path) -> QueryRunner:
    return QueryRunner(EventLog(tmp_path / "event_log", SystemClock()), FakeReporter(), "an update")


def test_flow_without_a_source_has_nothing_to_do(runner: QueryRunner) -> None:
    flow = WithoutSource()
    runner.run(flow)
    assert runner.start(flow, 1.0) is None


def test_state_of_a_flow_is_checked_once_however_often_it_is_started(runner: QueryRunner) -> None:
    flow = WithoutSource()
    runner.run(flow)
    runner.run(flow)
    assert flow.checked == [0]


def test_damaged_state_is_refused_at_every_start(runner: QueryRunner) -> None:
    flow = WithoutSource()
    flow.is_damaged = True
    for _ in range(2):
        with pytest.raises(DamagedStateError):
            runner.start(flow, 1.0)


def test_stop_cancels_the_flows_that_would_run_next(runner: QueryRunner) -> None:
    runner.stop()
    with pytest.raises(KeyboardInterrupt):
        runner.run(WithoutSource())
