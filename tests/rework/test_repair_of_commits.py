"""Which commits get an event that they lack, without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipeline.delta.batch import Batch
from pipeline.events.log import EventLog
from pipeline.foundation.clock import SystemClock
from pipeline.home.intents import IntentFile
from pipeline.report.reporter import Reporter
from pipeline.rework.intents import ReprocessIntent
from pipeline.rework.repair import repair
from pipeline.rework.work import UpdateContext
from pipeline.settings import load_settings
from tests.update.fakes import FakeFlow, FakeRunner, flows

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.events.event import Event

FLOW_ID = "the flow"


class Stage:
    """One table whose flow has committed batches, and an event log that may lack them."""

    def __init__(self, home: Path) -> None:
        self.flow = FakeFlow("silver", "bronze")
        cast("Any", self.flow.position).exists = True
        self.flows = flows(self.flow, FakeFlow("bronze"), home=home)
        self.lakehouse = cast("Any", self.flows.lakehouse)
        self.log = EventLog(home / "event_log", SystemClock())
        self.reporter = Reporter(self.log, "an update", load_settings())
        self.emitted: list[Event] = []
        self.log.listen(self.emitted.append)

    def commit(self, batch_id: int, flow_id: str = FLOW_ID, *, rows: int = 2) -> None:
        properties = Batch("an update", "silver", flow_id, batch_id).commit_properties()
        data = pa.table({"id": list(range(rows))})
        write_deltalake(self.lakehouse.table("silver").path, data, mode="append", commit_properties=properties)

    def checkpoint_passes(self, batch_id: int) -> None:
        cast("Any", self.flow.position).done = batch_id

    def repair(self) -> list[tuple[int | None, int, bool]]:
        """Repair the log, and return the batch, the rows and the mark of each event that was emitted."""
        context = UpdateContext("an update", self.lakehouse, self.flows, FakeRunner(), self.reporter, self.log)
        assert repair(context) == len(self.emitted)
        return [
            (event.origin.batch_id, event.details["metrics"]["num_output_rows"], event.details["metrics"]["repaired"])
            for event in self.emitted
        ]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_commits_without_an_event_get_one_each_oldest_first(stage: Stage) -> None:
    stage.commit(0, rows=2)
    stage.commit(1, rows=3)
    stage.checkpoint_passes(1)
    assert stage.repair() == [(0, 2, True), (1, 3, True)]
    stage.emitted.clear()
    assert stage.repair() == []


def test_commit_that_the_checkpoint_has_not_passed_is_left_to_its_batch(stage: Stage) -> None:
    stage.commit(0)
    stage.commit(1)
    stage.checkpoint_passes(0)
    assert stage.repair() == [(0, 2, True)]


def test_commit_of_a_former_flow_gets_its_event(stage: Stage) -> None:
    stage.commit(5, "a former flow")
    assert stage.repair() == [(5, 2, True)]


def test_commit_of_unfinished_work_is_left_to_that_work(stage: Stage) -> None:
    stage.commit(0, "the reprocessing")
    place = stage.lakehouse.home.table("a_schema", "silver").reprocess_intent
    intent = IntentFile(place)
    begun = ReprocessIntent(id="the reprocessing", table="silver", paths=[], version=0, flow_id=FLOW_ID)
    begun.write_to(intent)
    assert stage.repair() == []
    intent.clear()
    assert stage.repair() == [(0, 2, True)]


def test_flow_that_never_ran_has_nothing_to_repair(stage: Stage) -> None:
    stage.commit(0)
    stage.checkpoint_passes(0)
    cast("Any", stage.flow.position).exists = False
    assert stage.repair() == []
