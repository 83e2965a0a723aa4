"""Who may ask the page for what: names it answers to, origins it trusts, the token that changes need."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
# A host, perhaps in brackets, and a port; anything else is no name a browser would send.
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """What a request needs.

    A page of another site can have a browser send requests here, even under a name of its own that it points at
    this machine. So the page answers only to its own names, and changes nothing without a token that only a
    reader of the page has.

    Attributes:
        bound_to: The address that the page listens on.
        names: More names that it is reached by.
        token: What a request that changes something carries in the header `X-CSRF-Token`.
    """

    bound_to: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def refusal(self, method: str, path: str, headers: dict[str, list[str]]) -> str | None:
        """Return why a request is refused, or None where it may pass."""
        hosts = headers.get("host", [])
        place = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if place is None or not self._answers_to(place[1].strip("[]").lower()):
            return f"This page does not answer to the name `{hosts[0] if hosts else ''}`."
        if any(not _is_same(origin, place) for origin in headers.get("origin", [])):
            return "The request comes from another origin."
        # A link to the page may stand anywhere: what it shows is then read by nobody but the person who clicks.
        is_opened = method in _SAFE_METHODS and path == "/"
        return None if is_opened else self._refusal_of_use(method, headers, place)

    def _refusal_of_use(self, method: str, headers: dict[str, list[str]], place: re.Match[str]) -> str | None:
        if any(not _is_same(referer, place) for referer in headers.get("referer", [])):
            return "The request refers to another site."
        if set(headers.get("sec-fetch-site", [])) & {"cross-site", "same-site"}:
            return "The request comes from another site."
        given = headers.get("x-csrf-token", [""])[0]
        if method not in _SAFE_METHODS and not secrets.compare_digest(given.encode(), self.token.encode()):
            return f"The request lacks this page's token in the header {TOKEN_HEADER}."
        return None

    def _answers_to(self, name: str) -> bool:
        if name in LOOPBACK_NAMES or name in self.names or name == self.bound_to:
            return True
        if self.bound_to in LOOPBACK_NAMES:
            return False
        # Whoever listens beyond loopback is reached by address; only a name can be pointed elsewhere.
        return _is_address(name) or name == socket.gethostname().lower()


class Guard:
    """Refuses with 403 what the access does not allow, before anything of the page is asked."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        refusal = self._access.refusal(scope["method"], scope["path"], headers)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        if refusal is None:
            await self._app(scope, receive, send_guarded)
            return
        remedy = "Open the page under the address that `python -m pipeline page` prints, and reload it."
        body = json.dumps({"problem": refusal, "remedy": remedy}).encode()
        start = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send_guarded({"type": "http.response.start", "status": 403, "headers": start})
        await send({"type": "http.response.body", "body": body})


def _is_same(address: str, place: re.Match[str]) -> bool:
    """Tell whether an address is at the host and port that the request names."""
    try:
        parts = urlsplit(address)
        port = str(parts.port) if parts.port is not None else _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None:
        return False
    own_port = place[2] or _DEFAULT_PORTS[parts.scheme]
    return (parts.hostname.lower(), port) == (place[1].strip("[]").lower(), own_port)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
