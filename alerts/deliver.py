"""Delivery: a notification goes out through one destination, or an error says why it did not."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote

from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alerts.message import Message

SEND_LIMIT_SECONDS = 20
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_SHORTEST_SECRET = 4
_CUT = "\n… (cut; the rest is in the alert's query)"

# Apprise warns on its own logger of what is raised here as an error; without a handler it shows twice.
logging.getLogger("apprise").addHandler(logging.NullHandler())


class DeliveryError(EnvironmentFaultError):
    """A destination did not take a notification; it is tried again."""


@dataclass(frozen=True)
class Notification:
    """A message on its way.

    Attributes:
        id: The same at every attempt, so that a reader can tell a repetition from news.
        message: What is sent.
    """

    id: str
    message: Message

    @property
    def footer(self) -> str:
        """The line that closes every message."""
        return f"Notification {self.id}"


class Destination(Protocol):
    """Where notifications go.

    Attributes:
        key: Tells destinations apart across restarts; holds no secret.
        label: What a reader sees of it; holds no secret.
    """

    @property
    def key(self) -> str: ...  # noqa: D102 - told above

    @property
    def label(self) -> str: ...  # noqa: D102 - told above

    def send(self, notification: Notification) -> None:
        """Deliver once, or raise `DeliveryError`; returning means that the other side has taken it."""
        ...


class AppriseDestination:
    """One service of Apprise's. Anything but its full success is an error here."""

    def __init__(self, service: Any) -> None:
        self._service = service
        masked = str(service.url(privacy=True))
        digest = hashlib.sha256(f"{service.url_id()} {masked}".encode())
        self.key = digest.hexdigest()[:12]
        scheme, _, rest = masked.partition("://")
        # Apprise masks passwords and tokens, but a webhook's path can be a secret too: only the host stays.
        host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        self.label = f"{scheme}://{unquote(host)}"

    @property
    def tags(self) -> frozenset[str]:
        """The tags that the configuration gives it."""
        return frozenset(map(str, self._service.tags))

    def send(self, notification: Notification) -> None:
        """Deliver once through Apprise.

        Raises:
            DeliveryError: The service refused, timed out, or took a part only.
        """
        import apprise  # noqa: PLC0415 - slow to import, and a check without news needs none

        message = notification.message
        sender = apprise.Apprise(asset=self._service.asset)
        sender.add(self._service)
        room = int(self._service.body_maxlen) - len(message.subject) - len(notification.footer) - 4
        body = message.body if len(message.body) <= room else message.body[: room - len(_CUT)] + _CUT
        with sender.notify(
            body=f"{body}\n\n{notification.footer}",
            title=message.subject,
            notify_type=message.kind,
            body_format="text",
            timeout=SEND_LIMIT_SECONDS,
        ) as outcome:
            if not outcome:
                logged = "; ".join(str(entry.message) for entry in outcome.logs())
                reason = self._masked(logged) or "no reason given"
                problem = f"{self.label} did not take the notification ({outcome.status.name}): {reason}"
                raise DeliveryError(problem, "It is tried again; check the destination if that goes on.")

    def _masked(self, text: str) -> str:
        """Return a text without the service's secrets and without any address that could hold one."""
        masked = _URL.sub(lambda match: match[0].partition("://")[0] + "://****", text)
        for secret in self._secrets():
            for spelling in {secret, quote(secret, safe="")}:
                masked = masked.replace(spelling, "****")
        return masked

    def _secrets(self) -> list[str]:
        parsed = self._service
        shown = str(parsed.url(privacy=True))
        parts = re.split(r"[/?&=:@#]", str(parsed.url()).partition("://")[2])
        candidates = {unquote(part) for part in parts if part not in shown} | {str(parsed.password or "")}
        path = str(getattr(parsed, "fullpath", "") or "").split("/")
        return sorted((text for text in {*candidates, *path} if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


class OutboxDestination:
    """The console and a file, for a lakehouse that names no destination."""

    key = "outbox"

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self.label = f"file {path.parent.parent.name}/{path.parent.name}/{path.name}"

    def send(self, notification: Notification) -> None:
        """Append the notification to the file, safely on disk, and show it.

        Raises:
            DeliveryError: The file cannot be written.
        """
        message = notification.message
        line = {"id": notification.id, "kind": message.kind, "subject": message.subject, "body": message.body}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as outbox:
                outbox.write(json.dumps(line, ensure_ascii=False) + "\n")
                outbox.flush()
                os.fsync(outbox.fileno())
        except OSError as error:
            problem = f"{self._path} cannot be written: {error}."
            raise DeliveryError(problem, "Free some disk space, or correct the folder's rights.") from error
        self._say(f"{message.subject}\n{message.body}\n\n{notification.footer}")
        self._say(f"(No destination is set by SMART_FACTORY_ALERT_URLS: written here and to {self._path}.)")
