"""The page follows the event log, whoever writes it."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable

from pipeline.clock import FixedClock
from pipeline.event_log import EventLog, Origin
from pipeline.home import Home
from pipeline.lock import exclusive
from pipeline.page.stream import Watched
from tests.page.conftest import page_over, served

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def tell(home: Home, *states: str) -> None:
    log = EventLog(home.schema("smart_factory") / "event_log", CLOCK)
    for state in states:
        log.tell(Origin("p", "P", update_id="u1"), "update_progress", state, {"state": state})
    log.flush()


def next_change(stream: Any) -> dict[str, Any]:
    for line in stream:
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found
    message = "The stream has ended."
    raise AssertionError(message)


def test_stream_tells_of_every_change_of_the_log_and_of_who_holds_the_lakehouse(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    with served(page_over(home, CLOCK)) as client, socket.create_connection(("127.0.0.1", client.port), 20) as asking:
        asking.sendall(f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        with asking.makefile(encoding="utf-8") as stream:
            assert next_change(stream)["runner"]["state"] == "idle"
            tell(home, "INITIALIZING")
            assert next_change(stream)["changed"] == ["event_log"]
            tell(home, "RUNNING")
            assert next_change(stream)["changed"] == ["event_log"]
            with exclusive(home, CLOCK, "update u1"):
                change = next_change(stream)
            assert change["changed"] == ["runner"]
            assert change["runner"]["held_by"].startswith("update u1, process ")


def test_newest_version_follows_commits_and_a_table_that_another_one_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = home.schema("smart_factory") / "event_log"
    watched = Watched(path)
    assert watched.version() == -1
    tell(home, "INITIALIZING")
    tell(home, "RUNNING")
    assert watched.version() == DeltaTable(path).version() == 1
    tell(home, "COMPLETED")
    assert watched.version() == 2
    shutil.rmtree(path)
    assert watched.version() == -1
    tell(home, "INITIALIZING")
    assert watched.version() == 0
