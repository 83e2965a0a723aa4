"""When an update starts because files have come."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.arrival import POLLING_VARIABLE, FolderWatch, run_on_arrival
from pipeline.errors import PipelineBusyError
from pipeline.settings import ArrivalSettings
from pipeline.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUICK = ArrivalSettings(
    settle=timedelta(seconds=0.6), longest_wait=timedelta(seconds=3), at_least_every=timedelta(seconds=60)
)


class ScriptedWatch:
    """Sees a change whenever the script says so; the script counts the naps."""

    def __init__(self, changes_at: Callable[[int], bool]) -> None:
        self.changes = 0
        self._changes_at = changes_at

    def nap(self, number: int) -> None:
        self.changes += self._changes_at(number)


class ScriptedStop(Stop):
    """Sleeps no time, and ends after so many naps."""

    def __init__(self, watch: ScriptedWatch, naps: int) -> None:
        super().__init__()
        self.naps = 0
        self._watch = watch
        self._last = naps

    def sleep(self, seconds: float) -> None:
        self.naps += round(seconds / 0.2)
        self._watch.nap(self.naps)
        if self.naps >= self._last:
            self.ask()


def updates(changes_at: Callable[[int], bool], naps: int, settings: ArrivalSettings = QUICK) -> list[tuple[int, str]]:
    """Return at which nap, of a fifth of a second each, updates ran, and why."""
    watch = ScriptedWatch(changes_at)
    stop = ScriptedStop(watch, naps)
    ran: list[tuple[int, str]] = []
    run_on_arrival(watch, settings, stop, lambda cause: ran.append((stop.naps, cause)), lambda _: None)
    return ran


def test_files_are_read_once_they_have_settled() -> None:
    assert updates(lambda nap: 10 <= nap < 13, 40) == [(0, "the start"), (15, "files that have come")]


def test_files_that_keep_coming_are_read_after_the_longest_wait() -> None:
    ran = updates(lambda nap: nap >= 10, 45)
    assert [cause for _, cause in ran] == ["the start", "files that have come", "files that have come"]
    assert ran[1][0] == pytest.approx(25, abs=1)


def test_update_runs_now_and_then_without_any_file() -> None:
    assert updates(lambda _: False, 301) == [(0, "the start"), (300, "the time that has passed")]


def test_update_that_finds_the_lakehouse_busy_is_tried_again() -> None:
    watch = ScriptedWatch(lambda _: False)
    stop = ScriptedStop(watch, 20)
    said: list[str] = []
    tries: list[int] = []

    def update(_: str) -> None:
        tries.append(stop.naps)
        if len(tries) < 3:
            raise PipelineBusyError("somebody")

    run_on_arrival(watch, QUICK, stop, update, said.append)
    assert tries == [0, 3, 6]
    assert len(said) == 2


@pytest.mark.parametrize("polling", ["", "1"])
def test_watch_sees_a_file_that_is_moved_into_the_folder_and_no_hidden_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polling: str
) -> None:
    monkeypatch.setenv(POLLING_VARIABLE, polling)
    watch = FolderWatch([tmp_path / "landing"])
    try:
        (tmp_path / "landing" / ".hidden").write_text("a", encoding="utf-8")
        time.sleep(0.3)
        assert watch.changes == 0
        (tmp_path / "landing" / ".hidden").rename(tmp_path / "landing" / "a.json")
        for _ in range(50):
            if watch.changes:
                break
            time.sleep(0.1)
        assert watch.changes
    finally:
        watch.close()
