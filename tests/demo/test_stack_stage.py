"""Acts that follow the updates of another process."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from alerts.history import History
from demo.acts import act1, act2, act3
from demo.monitoring import act4
from demo.recap import act5
from demo.stack import FilesNotReadError, StackStage
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def stage(lakehouse: TestLakehouse) -> StackStage:
    lakehouse.home.make_writable()
    return StackStage(lakehouse.home, Console(file=io.StringIO(), width=200))


@pytest.fixture
def pipeline(lakehouse: TestLakehouse, stage: StackStage) -> Iterator[None]:
    """Runs an update whenever files wait, and lands files in between, as a streaming plant does."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.1):
            if stage.waiting():
                stage.plant.batch(files=1, records=20, at=stage.clock.now(), anomaly_rate=0.0)
                lakehouse.clock.advance(stage.clock.now() - lakehouse.clock.now())
                lakehouse.update()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("pipeline")
def test_acts_hold_with_another_process_s_updates_while_other_files_land(
    stage: StackStage, lakehouse: TestLakehouse
) -> None:
    for act in (act1, act2, act3, act5):
        act(stage)
    assert stage.points == 19
    with stage.still():
        lakehouse.assert_invariants()


@pytest.mark.usefixtures("pipeline")
def test_alert_triggers_and_recovers_at_the_true_time_with_another_process_s_updates(
    stage: StackStage, lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMART_FACTORY_ALERT_URLS", "SMART_FACTORY_ALERT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    stage.__dict__["warehouse"] = EmbeddedWarehouse(lakehouse.spark, stage.home, stage.settings, stage.say)
    act4(stage)
    rows = list(reversed(History(stage.home, "smart_factory").newest(10)))
    assert [(row.state, row.notified) for row in rows] == [("OK", False), ("TRIGGERED", True), ("OK", True)]
    assert all(row.as_of == row.evaluated_at for row in rows)


def test_files_that_are_not_read_in_time_are_an_error_that_names_the_log(lakehouse: TestLakehouse) -> None:
    lakehouse.home.make_writable()
    stage = StackStage(lakehouse.home, Console(file=io.StringIO()), longest_wait_seconds=1)
    landed = stage.plant.batch(files=2)
    with pytest.raises(FilesNotReadError, match=r"has not read 2 files within 1 s.*docker compose logs pipeline"):
        stage.update(landed.files)
