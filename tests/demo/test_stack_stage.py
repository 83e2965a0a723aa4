"""Acts that follow updates which somebody else runs."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from typer.testing import CliRunner

import demo.__main__ as commands
from alerts.history import History
from demo import stack
from demo.acts import act1, act2, act3
from demo.monitoring import act4
from demo.recap import act5
from demo.stack import FilesNotReadError, StackStage
from demo.stage import Stage
from pipeline.warehouse.embedded import EmbeddedWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def stage(lakehouse: TestLakehouse) -> StackStage:
    lakehouse.home.make_writable()
    return StackStage(lakehouse.home, Console(file=io.StringIO(), width=200))


@pytest.fixture
def pipeline(lakehouse: TestLakehouse, stage: StackStage) -> Iterator[None]:
    """Updates whenever files wait, and has files of its own land in between, as a plant does that streams."""
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
def test_acts_hold_on_updates_of_others_while_other_files_land(stage: StackStage, lakehouse: TestLakehouse) -> None:
    for act in (act1, act2, act3, act5):
        act(stage)
    assert stage.points == 19
    with stage.still():
        lakehouse.assert_invariants()


@pytest.mark.usefixtures("pipeline")
def test_alert_fires_and_ends_by_the_true_clock_on_updates_of_others(
    stage: StackStage, lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMART_FACTORY_ALERT_URLS", "SMART_FACTORY_ALERT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    stage.__dict__["warehouse"] = EmbeddedWarehouse(lakehouse.spark, stage.home, stage.settings, stage.say)
    act4(stage)
    rows = list(reversed(History(stage.home.root).newest(10)))
    assert [(row.state, row.notified) for row in rows] == [("OK", False), ("TRIGGERED", True), ("OK", True)]
    assert all(row.as_of == row.evaluated_at for row in rows)


def test_files_that_nobody_reads_are_told_with_what_to_look_at(
    stage: StackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "_LONGEST_WAIT_SECONDS", 1)
    landed = stage.plant.batch(files=2)
    begun = time.monotonic()
    with pytest.raises(FilesNotReadError, match=r"has not read 2 files.*docker compose logs pipeline"):
        stage.update(landed.files)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(("variable", "kind"), [("compose", StackStage), ("local", Stage), ("", Stage)])
def test_acts_play_where_the_environment_says(
    variable: str, kind: type[Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", variable)
    played: list[Stage] = []
    monkeypatch.setitem(commands._ACTS, "act1", played.append)
    CliRunner().invoke(commands.app, ["act1", "--home", str(tmp_path)], catch_exceptions=False)
    assert [type(stage) for stage in played] == [kind]
