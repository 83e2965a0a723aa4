"""Test doubles: warehouses, destinations, and servers on the loopback interface that fail."""

from __future__ import annotations

import http.server
import json
import random
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from alerts.model import Alert, AlertSpec
from alerts.settings import Settings
from pipeline.home.places import Home
from pipeline.notification.destination import DeliveryError, Notification
from pipeline.warehouse.hive import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FOOTER = re.compile(r"Notification ([0-9a-f]{12})")


def spec_of(**changes: Any) -> AlertSpec:
    """Return the declaration of an alert that triggers on any row, with a state per device, and notifies of recoveries."""
    declared: dict[str, Any] = {
        "name": "Hot",
        "query": "hot.sql",
        "condition": {"operator": ">", "threshold": 0},
        "per_row": "device_id",
        "schedule": {"every": "2m"},
        "notify_on_ok": True,
    }
    present = {key: value for key, value in (declared | changes).items() if value is not None}
    return AlertSpec.model_validate(present)


def alert_of(**changes: Any) -> Alert:
    """Return an alert made from `spec_of`."""
    return Alert("hot", spec_of(**changes), "SELECT device_id FROM readings WHERE at <= :now")


def settings_of(folder: Path, **changes: Any) -> Settings:
    """Return the settings of a lakehouse in a folder."""
    return Settings(Home(folder), **changes)


def devices(*names: str) -> Result:
    """Return a result with a row for each device."""
    return Result(["device_id"], [[name] for name in names])


@dataclass
class FakeWarehouse:
    """Answers with the devices that a test makes hot."""

    hot: Sequence[str] = ()
    newest: Any = None
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def query(self, sql: str) -> Result:
        self.asked.append(sql)
        if self.error is not None:
            raise self.error
        if sql.startswith("FRESHNESS"):
            return Result(["newest"], [[self.newest]])
        return devices(*self.hot)


@dataclass
class FakeDestination:
    """Accepts notifications, or refuses the next few."""

    key: str = "fake"
    label: str = "fake://here"
    refusals: int = 0
    attempts: int = 0
    taken: list[Notification] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        self.attempts += 1
        if self.refusals:
            self.refusals -= 1
            problem = "fake://here did not accept the notification."
            raise DeliveryError(problem, "Try again.")
        self.taken.append(notification)

    @property
    def subjects(self) -> list[str]:
        return [notification.message.subject for notification in self.taken]


class WaitingSteps:
    """The `wait` of a poller: advances a fixed clock instead of waiting, and stops at a given moment."""

    def __init__(self, clock: Any, until: datetime) -> None:
        self._clock = clock
        self._until = until

    def __call__(self, span: timedelta) -> bool:
        self._clock.advance(span)
        return bool(self._clock.now() > self._until)


@dataclass
class Faults:
    """Decides by a seed which requests fail: before they are accepted, or after, with the reply lost."""

    seed: int = 0
    refused: float = 0.0
    reply_lost: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self) -> str:
        drawn = self._random.random()
        if drawn < self.refused:
            return "refused"
        return "reply lost" if drawn < self.refused + self.reply_lost else "taken"


@dataclass
class Receiver:
    """What a server received."""

    url: str
    texts: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The notification ids, in order of arrival."""
        return [found for text in self.texts for found in FOOTER.findall(text)]


@contextmanager
def webhook(faults: Faults | None = None) -> Iterator[Receiver]:
    """Serve a Slack-shaped webhook (JSON with `text`) on the loopback."""
    fate = faults or Faults()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            verdict = fate.next()
            if verdict != "refused":
                receiver.texts.append(payload["text"])
            self.send_response(200 if verdict == "taken" else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"mmost://127.0.0.1:{server.server_address[1]}/webhooktoken0123")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def mail_server(faults: Faults | None = None) -> Iterator[Receiver]:
    """Serve SMTP on the loopback."""
    fate = faults or Faults()
    receiver = Receiver("")

    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
            verdict = fate.next()
            if verdict != "refused":
                receiver.texts.append(envelope.content.decode("utf-8", errors="replace"))
            return "250 taken" if verdict == "taken" else "451 try again"

    # The controller connects to its own port once, so it has to know the number beforehand.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        receiver.url = f"mailto://127.0.0.1:{port}?from=plant@example.org&to=ops@example.org&mode=insecure&format=text"
        yield receiver
    finally:
        controller.stop()


class FileWarehouse:
    """Answers from a file that counts its queries, so that a process goes on where a killed one stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def query(self, _sql: str) -> Result:
        count = int(self._path.read_text() or 0) if self._path.exists() else 0
        draft = self._path.with_suffix(".tmp")
        draft.write_text(str(count + 1))
        draft.replace(self._path)
        return devices("MFG-A-1000") if count // 2 % 2 else devices()
