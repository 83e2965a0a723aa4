"""When an update starts because files have come."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from watchdog.events import FileCreatedEvent

from pipeline.foundation.errors import PipelineBusyError
from pipeline.foundation.stop import Stop
from pipeline.settings import ArrivalSettings
from pipeline.update.arrival import FolderWatch, run_on_arrival

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchdog.events import FileSystemEvent

QUICK = ArrivalSettings(
    settle=timedelta(seconds=0.6), longest_wait=timedelta(seconds=3), at_least_every=timedelta(seconds=60)
)


class ScriptedWatch:
    """Sees a change whenever the script says so; the script counts the naps."""

    def __init__(self, changes_at: Callable[[int], bool]) -> None:
        self._changes = 0
        self._changes_at = changes_at

    def changes(self) -> int:
        return self._changes

    def nap(self, number: int) -> None:
        self._changes += self._changes_at(number)


class ScriptedStop(Stop):
    """Takes no time to wait, and ends after a number of naps."""

    def __init__(self, watch: ScriptedWatch, naps: int) -> None:
        super().__init__()
        self.naps = 0
        self._watch = watch
        self._last = naps

    def wait(self, seconds: float) -> bool:
        self.naps += round(seconds / 0.2)
        self._watch.nap(self.naps)
        if self.naps >= self._last:
            self.ask()
        return self.is_asked()


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "landing"


def after_a_second(watch: FolderWatch) -> int:
    """Return the changes after as many ticks as there are between two listings."""
    return [watch.changes() for _ in range(5)][-1]


def test_watch_without_notices_sees_a_file_that_comes_within_a_second(folder: Path) -> None:
    watch = FolderWatch([folder], with_notices=False)
    assert after_a_second(watch) == 0
    (folder / "a.json").write_text("a", encoding="utf-8")
    assert after_a_second(watch) == 1
    assert after_a_second(watch) == 1


def test_watch_without_notices_sees_a_file_that_is_overwritten_but_none_that_goes(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.json").write_text("a", encoding="utf-8")
    watch = FolderWatch([folder], with_notices=False)
    (folder / "a.json").write_text("another", encoding="utf-8")
    assert after_a_second(watch) == 1
    (folder / "a.json").unlink()
    assert after_a_second(watch) == 1


def test_watch_does_not_count_hidden_files_and_folders_until_they_are_renamed(folder: Path) -> None:
    watch = FolderWatch([folder], with_notices=False)
    (folder / ".hidden").write_text("a", encoding="utf-8")
    (folder / "_partial").write_text("a", encoding="utf-8")
    (folder / "a folder").mkdir()
    assert after_a_second(watch) == 0
    (folder / ".hidden").rename(folder / "a.json")
    assert after_a_second(watch) == 1


def test_folder_that_is_removed_counts_as_empty(folder: Path) -> None:
    watch = FolderWatch([folder], with_notices=False)
    folder.rmdir()
    assert after_a_second(watch) == 0


def test_notice_has_the_folder_listed_at_the_next_tick(folder: Path) -> None:
    watch = FolderWatch([folder], with_notices=False)
    assert watch.changes() == 0
    file = folder / "a.json"
    file.write_text("a", encoding="utf-8")
    watch.on_any_event(FileCreatedEvent(str(file)))
    assert watch.changes() == 1


def test_watch_gets_the_notices_of_the_system(folder: Path) -> None:
    class Noticed(FolderWatch):
        noticed = threading.Event()

        def on_any_event(self, event: FileSystemEvent) -> None:
            super().on_any_event(event)
            self.noticed.set()

    watch = Noticed([folder])
    try:
        (folder / "a.json").write_text("a", encoding="utf-8")
        assert watch.noticed.wait(timeout=60)
        assert after_a_second(watch) == 1
    finally:
        watch.close()


def test_watch_sees_files_in_the_sub_folders_of_a_deep_folder_only(folder: Path) -> None:
    watches = [FolderWatch([folder], deep, with_notices=False) for deep in ([], [folder])]
    day = folder / "date=2026-03-01"
    day.mkdir()
    assert [after_a_second(watch) for watch in watches] == [0, 0]
    (day / "a.json").write_text("a", encoding="utf-8")
    assert [after_a_second(watch) for watch in watches] == [0, 1]
