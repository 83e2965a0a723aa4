"""Messages, and the destinations they are delivered to: services of Apprise, and the outbox without one."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote, unquote

from pipeline.foundation.durable_file import create_folder
from pipeline.foundation.errors import AuthorError, EnvironmentFaultError
from pipeline.foundation.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apprise import AppriseAsset

SEND_LIMIT_SECONDS = 20
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_SHORTEST_SECRET = 4
_CUT = "\n… (cut; run the alert's query to see the rest)"

# Apprise logs a warning for what is raised here as an error; without a handler it would show twice.
logging.getLogger("apprise").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Message:
    """What a reader gets.

    Attributes:
        subject: One line.
        body: Plain text.
        kind: Apprise's type: failure, success, warning or info.
    """

    subject: str
    body: str
    kind: str

    def __post_init__(self) -> None:
        """Escape what came from outside: a message is shown by programs that act on control characters."""
        object.__setattr__(self, "subject", shown(self.subject))
        object.__setattr__(self, "body", shown(self.body, lines=True))


class DeliveryError(EnvironmentFaultError):
    """A destination did not accept a notification; it is retried."""


@dataclass(frozen=True)
class Notification:
    """A message with its id.

    Attributes:
        id: The same at every attempt, so that readers recognise a repetition.
        message: What is sent.
    """

    id: str
    message: Message

    @property
    def footer(self) -> str:
        """The last line of every message."""
        return f"Notification {self.id}"


class Destination(Protocol):
    """Where notifications go.

    Attributes:
        key: Identifies the destination across restarts; contains no secret.
        label: What readers see of the address; contains no secret.
    """

    @property
    def key(self) -> str: ...  # noqa: D102 - see above

    @property
    def label(self) -> str: ...  # noqa: D102 - see above

    def send(self, notification: Notification) -> None:
        """Deliver a notification once; returning means that the other side has accepted it.

        Raises:
            DeliveryError: It has not.
        """
        ...


class AppriseDestination:
    """One service of Apprise. Anything but its full success is an error here."""

    def __init__(self, service: Any) -> None:
        self._service = service
        masked = str(service.url(privacy=True))
        digest = hashlib.sha256(f"{service.url_id()} {masked}".encode())
        self.key = digest.hexdigest()[:12]
        scheme, _, rest = masked.partition("://")
        # Apprise masks passwords and tokens, but a webhook's path can be a secret too: only the host is shown.
        host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        self.label = f"{scheme}://{unquote(host)}"

    @classmethod
    def at(cls, url: str, asset: AppriseAsset, name: str) -> Self:
        """Return the destination at an address.

        Args:
            url: The address as Apprise's documentation describes it.
            asset: The application that the service shows as the sender.
            name: What an error calls the address, which may contain secrets.

        Raises:
            AuthorError: Apprise does not know the address.
        """
        import apprise  # noqa: PLC0415 - slow to import, and not needed without an address

        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if service is None:
            scheme = url.partition("://")[0] if "://" in url else "(no scheme)"
            problem = f"{name} ({scheme}://****) is not an address that Apprise knows."
            raise AuthorError(problem, "Write it as Apprise's documentation shows, such as slack://A/B/C/#channel.")
        return cls(service)

    @property
    def tags(self) -> frozenset[str]:
        """The tags that the configuration gives it."""
        return frozenset(map(str, self._service.tags))

    def send(self, notification: Notification) -> None:
        """Deliver a notification once through Apprise.

        Raises:
            DeliveryError: The service refused it, timed out, or accepted only a part.
        """
        import apprise  # noqa: PLC0415 - slow to import, and not needed when nothing is sent

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
                reason = self.masked(logged) or "no reason given"
                problem = f"{self.label} did not accept the notification ({outcome.status.name}): {reason}"
                raise DeliveryError(problem, "It is retried; check the destination if the error persists.")

    def masked(self, text: str) -> str:
        """Return a text without the service's secrets and without any address that could contain one."""
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
    """The console and a file, for a lakehouse without a configured destination."""

    key = "outbox"

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self.label = f"file {path.parent.parent.name}/{path.parent.name}/{path.name}"

    def send(self, notification: Notification) -> None:
        """Append the notification to the file, flush it to disk, and print it.

        Raises:
            DeliveryError: The file cannot be written.
        """
        message = notification.message
        line = {"id": notification.id, "kind": message.kind, "subject": message.subject, "body": message.body}
        try:
            create_folder(self._path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(self._path, flags, 0o600), "a", encoding="utf-8") as outbox:
                # An outbox of an earlier version was open to all.
                os.fchmod(outbox.fileno(), 0o600)
                outbox.write(json.dumps(line, ensure_ascii=False) + "\n")
                outbox.flush()
                os.fsync(outbox.fileno())
        except OSError as error:
            problem = f"{self._path} cannot be written: {error}."
            raise DeliveryError(problem, "Free some disk space, or correct the folder's permissions.") from error
        self._say(f"{message.subject}\n{message.body}\n\n{notification.footer}")
        self._say(f"(SMART_FACTORY_ALERT_URLS sets no destination: printed here and written to {self._path}.)")
