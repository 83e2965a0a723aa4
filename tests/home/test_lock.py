from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import EnvironmentFaultError, LakehouseError, PipelineBusyError
from pipeline.home.lock import exclusive, holder, locked
from pipeline.home.places import Home

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
HOLDER = """
import sys
import threading, time
from pathlib import Path
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from pipeline.home.lock import exclusive, holder
with exclusive(Home(Path(sys.argv[1])), SystemClock(), "update abcd"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_of_another_process_is_refused_by_name_and_free_once_it_is_killed(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(PipelineBusyError, match=f"update abcd, process {other.pid} on ") as raised,
            exclusive(home, CLOCK, "update 2"),
        ):
            pytest.fail("two hold the lock")
        assert raised.value.exit_code == 3
        other.kill()
    with exclusive(home, CLOCK, "update 3"):
        pass


def test_lock_whose_holder_has_not_written_its_note_yet_is_refused_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with exclusive(home, CLOCK, "update 1"):
        home.holder_note.unlink()
        with pytest.raises(PipelineBusyError, match="a process that is just starting"), exclusive(home, CLOCK, "2"):
            pytest.fail("two hold the lock")


def test_lock_is_free_after_an_update_that_failed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(ZeroDivisionError), exclusive(home, CLOCK, "update 1"):
        raise ZeroDivisionError
    with exclusive(home, CLOCK, "update 2"):
        assert "update 2" in home.holder_note.read_text()


def test_holder_is_known_while_the_lock_is_held_and_only_then(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    assert holder(home) is None
    with exclusive(home, CLOCK, "update abcd"):
        found = holder(home)
        assert found is not None
        assert (found.what, found.update_id, found.pid) == ("update abcd", "abcd", os.getpid())
    assert holder(home) is None


def test_holder_that_was_killed_and_left_its_note_behind_holds_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with exclusive(home, CLOCK, "reset"):
        note = home.holder_note.read_text()
        assert (found := holder(home)) is not None
        assert found.update_id is None
    home.holder_note.write_text(note)
    assert holder(home) is None


def test_looking_whether_the_lock_is_held_keeps_no_update_from_starting(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with exclusive(home, CLOCK, "update 1"):
        pass
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            holder(home)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(200):
            with exclusive(home, CLOCK, f"update {number}"):
                pass
    finally:
        done.set()
        looking.join()


def busy() -> LakehouseError:
    return EnvironmentFaultError("Another thread holds the alert.", "Wait.")


def test_second_holder_of_a_file_waits_until_the_first_lets_go(tmp_path: Path) -> None:
    file, order = tmp_path / "a folder" / "alert.lock", []
    is_held = threading.Event()

    def hold() -> None:
        with locked(file, timedelta(minutes=5), busy):
            is_held.set()
            order.append("first")

    with locked(file, timedelta(), busy):
        first = threading.Thread(target=hold)
        first.start()
        order.append("outer")
        assert not is_held.is_set()
    first.join()
    assert order == ["outer", "first"]


def test_holder_that_keeps_a_file_longer_than_others_wait_is_the_callers_error(tmp_path: Path) -> None:
    file = tmp_path / "alert.lock"
    with (
        locked(file, timedelta(), busy),
        pytest.raises(EnvironmentFaultError, match="Another thread holds the alert"),
        locked(file, timedelta(seconds=0.1), busy),
    ):
        pytest.fail("two hold the lock")


def test_error_of_the_work_under_the_lock_is_not_taken_for_a_busy_lock(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="the mail server"), locked(tmp_path / "alert.lock", timedelta(), busy):
        raise TimeoutError("the mail server")


def test_file_that_cannot_be_locked_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with (
        pytest.raises(EnvironmentFaultError, match=r"alert\.lock cannot be locked: .* file system that supports locks"),
        locked(tmp_path / "state" / "alert.lock", timedelta(), busy),
    ):
        pytest.fail("a file is a folder")
