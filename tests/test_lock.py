"""One update at a time, told apart by the operating system."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.clock import FixedClock
from pipeline.errors import PipelineBusyError
from pipeline.home import Home
from pipeline.lock import exclusive, holder

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
HOLDER = """
import sys
import threading, time
from pathlib import Path
from pipeline.clock import SystemClock
from pipeline.home import Home
from pipeline.lock import exclusive, holder
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


def test_lock_whose_holder_has_not_yet_said_who_it_is_is_still_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with exclusive(home, CLOCK, "update 1"):
        home.lock.with_name("holder.json").unlink()
        with pytest.raises(PipelineBusyError, match="a process that is just starting"), exclusive(home, CLOCK, "2"):
            pytest.fail("two hold the lock")


def test_lock_is_free_after_an_update_that_failed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(ZeroDivisionError), exclusive(home, CLOCK, "update 1"):
        raise ZeroDivisionError
    with exclusive(home, CLOCK, "update 2"):
        assert "update 2" in home.lock.with_name("holder.json").read_text()


def test_holder_is_told_while_the_lock_is_held_and_only_then(tmp_path: Path) -> None:
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
        note = home.lock.with_name("holder.json").read_text()
        assert (found := holder(home)) is not None
        assert found.update_id is None
    home.lock.with_name("holder.json").write_text(note)
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
