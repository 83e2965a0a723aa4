"""The page follows the event log, no matter which process writes it."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.events.event import Origin
from pipeline.events.log import EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.home.lock import exclusive
from pipeline.home.places import Home
from pipeline.page.changes import Changes
from pipeline.page.server import PageServer, listen
from tests.page.conftest import page_over, served, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.page.conftest import Client

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def emit(home: Home, *states: str) -> None:
    log = EventLog(home.schema("smart_factory").event_log, CLOCK)
    for state in states:
        log.emit(Origin("p", "P", update_id="u1"), "update_progress", state, {"state": state})
    log.flush()


def next_change(stream: Any) -> dict[str, Any]:
    for line in stream:
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found
    message = "The stream has ended."
    raise AssertionError(message)


def test_stream_reports_every_change_of_the_log_and_of_the_lock_holder(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    with served(page_over(home, CLOCK)) as client, socket.create_connection(("127.0.0.1", client.port), 20) as asking:
        asking.sendall(f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        with asking.makefile(encoding="utf-8") as stream:
            assert next_change(stream)["runner"]["state"] == "idle"
            emit(home, "INITIALIZING")
            assert next_change(stream)["changed"] == ["event_log"]
            emit(home, "RUNNING")
            assert next_change(stream)["changed"] == ["event_log"]
            with exclusive(home, CLOCK, "update u1"):
                change = next_change(stream)
            assert change["changed"] == ["runner"]
            assert change["runner"]["held_by"].startswith("update u1, process ")


@contextmanager
def following(client: Client) -> Iterator[Any]:
    """Follow the stream inside the block, after its first change has come."""
    with socket.create_connection(("127.0.0.1", client.port), 20) as asking:
        asking.sendall(f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        with asking.makefile(encoding="utf-8") as stream:
            next_change(stream)
            yield stream


def test_streams_have_a_ceiling_and_share_what_they_see(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    app = page_over(home, CLOCK)
    page = app.state.page
    page.changes = Changes(page.schema, page.runner, most=3)
    with served(app) as client:
        with ExitStack() as stack:
            streams = [stack.enter_context(following(client)) for _ in range(3)]
            answer = client.ask("GET", "/api/stream")
            assert (answer.status, answer.body["problem"]) == (503, "3 others follow this page already.")
            emit(home, "RUNNING")
            assert [next_change(stream)["changed"] for stream in streams] == [["event_log"]] * 3
        # A place is free once somebody has left.
        wait_until(lambda: _is_free(client))


def _is_free(client: Client) -> bool:
    with socket.create_connection(("127.0.0.1", client.port), 20) as asking:
        asking.sendall(f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        return b" 200 " in asking.recv(100)


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/dry-run HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_request_that_does_not_come_whole_is_given_up(tmp_path: Path, part: bytes) -> None:
    app = page_over(Home(tmp_path / "home"), CLOCK)
    with listen("127.0.0.1", 0) as bound:
        server = PageServer(app, seconds_to_ask=0.3)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        with socket.create_connection(bound.getsockname(), 20) as asking:
            asking.sendall(part)
            while asking.recv(4096):
                pass
        server.should_exit = True
        thread.join(30)
