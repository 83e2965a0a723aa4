"""Acts that follow updates which somebody else runs."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import demo.stack
from demo.acts import act1, act2, act3
from demo.recap import act5
from demo.stack import FilesNotReadError, StackStage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark


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
                stage.plant.batch(files=1, records=20, at=stage.clock.now())
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


def test_files_that_nobody_reads_are_told_with_what_to_look_at(
    stage: StackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.stack, "_LONGEST_WAIT_SECONDS", 1)
    landed = stage.plant.batch(files=2)
    begun = time.monotonic()
    with pytest.raises(FilesNotReadError, match=r"has not read 2 files.*docker compose logs pipeline"):
        stage.update(landed.files)
    assert time.monotonic() - begun < 10
