"""Which requests the page answers: by host name, by origin, and by the token that a POST needs."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from pipeline.page.key import KEY_HEADER, KEY_PARAMETER, Key

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of a header
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
# A host, in brackets if it is an IPv6 address, and a port. A browser sends nothing else.
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_REMEDY = "Open the page at the address that `python -m pipeline page` printed, and reload it."
_NO_KEY = "This page asks for its key."
_KEY_REMEDY = (
    "Open the address that `python -m pipeline page` printed when it started, with the key in it; "
    f"a program sends the key in the header {KEY_HEADER}."
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOCKED = f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Pipeline page: key needed</title>
</head>
<body>
  <h1>{_NO_KEY}</h1>
  <p>{_KEY_REMEDY.replace("`", "")}</p>
</body>
</html>
"""
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
    """What a request needs to be answered: an own name of the page, its key if it has one, and a token to do something.

    A page of another site can make a browser send requests here, even under a name of its own that resolves to this
    machine. So the page answers only to its own names, and a POST needs a token that only a reader of the page has.

    Attributes:
        bound_to: The address that the page listens on.
        names: Further host names that it answers to.
        token: The value that a POST must carry in the header `X-CSRF-Token`.
        key: What every request must carry; None lets everybody in who reaches the page.
    """

    bound_to: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    key: Key | None = None

    def lets_in(self, headers: Headers) -> bool:
        """Return whether a request carries the key."""
        return self.key is None or self.key.is_in(headers, _port(headers))

    def welcome(self, method: str, path: str, query: bytes, headers: Headers) -> Response:
        """Return the answer to a request without the key: a cookie, if the address has the key in it."""
        is_page = method in _SAFE_METHODS and path == "/"
        given = parse_qs(query.decode("latin-1")).get(KEY_PARAMETER, [""])[0] if is_page else ""
        if self.key is not None and self.key.is_equal(given):
            # Answered with another address, so that the key stays neither on the screen nor in the history.
            return RedirectResponse(
                "/", 303, {"set-cookie": self.key.cookie(_port(headers)), "cache-control": "no-store"}
            )
        sent = {"www-authenticate": KEY_HEADER, "cache-control": "no-store"}
        if is_page and "text/html" in headers.get("accept", ""):
            return HTMLResponse(_LOCKED, 401, sent)
        return JSONResponse({"problem": _NO_KEY, "remedy": _KEY_REMEDY}, 401, sent)

    def refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Return why a request is refused, or None if it is allowed."""
        hosts = headers.getlist("host")
        place = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if place is None or not self._answers_to(place[1].strip("[]").lower()):
            return f"This page does not answer to the name `{hosts[0] if hosts else ''}`."
        if any(not _is_same(origin, place) for origin in headers.getlist("origin")):
            return "The request comes from another origin."
        # Any site may link to the page: only the person who clicks reads what it shows.
        is_opened = method in _SAFE_METHODS and path == "/"
        return None if is_opened else self._refusal_of_use(method, headers, place)

    def _refusal_of_use(self, method: str, headers: Headers, place: re.Match[str]) -> str | None:
        if any(not _is_same(referer, place) for referer in headers.getlist("referer")):
            return "The request refers to another site."
        if set(headers.getlist("sec-fetch-site")) & {"cross-site", "same-site"}:
            return "The request comes from another site."
        given = headers.get(TOKEN_HEADER, "")
        if method not in _SAFE_METHODS and not secrets.compare_digest(given.encode(), self.token.encode()):
            return f"The request lacks this page's token in the header {TOKEN_HEADER}."
        return None

    def _answers_to(self, name: str) -> bool:
        if name in LOOPBACK_NAMES or name in self.names or name == self.bound_to:
            return True
        if self.bound_to in LOOPBACK_NAMES:
            return False
        # Beyond loopback, any IP address is fine: only a name can be made to resolve to another machine.
        return _is_address(name) or name == socket.gethostname().lower()


class Guard:
    """Middleware that answers 403 to every request that the access does not allow."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        answer: ASGIApp = self._app
        refusal = self._access.refusal(method, path, headers)
        if refusal is not None:
            answer = JSONResponse({"problem": refusal, "remedy": _REMEDY}, status_code=403)
        elif not self._access.lets_in(headers):
            answer = self._access.welcome(method, path, scope["query_string"], headers)
        await answer(scope, receive, send_guarded)


def _port(headers: Headers) -> str:
    place = _HOST.fullmatch(headers.get("host", ""))
    return (place[2] if place else None) or _DEFAULT_PORTS["http"]


def _is_same(address: str, place: re.Match[str]) -> bool:
    """Return whether an address has the host and port that the request names."""
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


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    return host.lower() in LOOPBACK_NAMES or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def needed_key(host: str, *, asked: bool | None, chosen: str) -> Key | None:
    """Return the key that a page asks for, or None if it is open to everybody who reaches it.

    Args:
        host: The address that it listens on; beyond this machine it asks for a key.
        asked: Whether it is to ask for one; None leaves it to the address and to the user's own key.
        chosen: The user's own key; empty for a new one.

    Raises:
        AuthorError: A request cannot carry the user's own key.
    """
    if not (bool(chosen) or not is_loopback(host) if asked is None else asked):
        return None
    return Key.given(chosen) if chosen else Key()
