"""The page's server: where it listens, and how it stops while browsers follow its stream."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from fastapi import FastAPI

# Of a request, only a part or nothing has come.
_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)
_SECONDS_TO_CLOSE = 2
_SECONDS_TO_ASK = 20
_MOST_CONNECTIONS = 300
_SECONDS_TO_END = 30


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 chooses a free one.

    Raises:
        EnvironmentFaultError: The address cannot be used.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise _taken(host, port, error) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # From now on connections are accepted, although answers may take a moment.
        bound.listen()
    except OSError as error:
        bound.close()
        raise _taken(host, port, error) from error
    return bound


class Protocol(H11Protocol):
    """HTTP for clients that send a request within a time, and leave room for others if they do not."""

    seconds_to_ask = _SECONDS_TO_ASK
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        super().connection_lost(exc)
        self._forget_deadline()

    def _await_request(self) -> None:
        if self.conn.their_state not in _INCOMPLETE:
            self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.seconds_to_ask, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.conn.their_state in _INCOMPLETE:
            self.transport.close()


class PageServer(uvicorn.Server):
    """Serves the page's application.

    Args:
        app: The application.
        seconds_to_ask: How long a client may take to send a request.
    """

    def __init__(self, app: FastAPI, *, seconds_to_ask: float = _SECONDS_TO_ASK) -> None:
        protocol = type("Protocol", (Protocol,), {"seconds_to_ask": seconds_to_ask})
        super().__init__(
            uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False, http=protocol,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=_SECONDS_TO_CLOSE,
            )
        )  # fmt: skip
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the server; open streams end first, because uvicorn waits for them."""
        self._app.state.page.ending = True
        await super().shutdown(sockets)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve the page on a free port of this machine inside the block.

    Yields:
        The page's address.
    """
    with listen("127.0.0.1", 0) as bound:
        server = PageServer(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="page")
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_SECONDS_TO_END)


def _taken(host: str, port: int, error: OSError) -> EnvironmentFaultError:
    problem = f"The page cannot listen on {host}:{port}: {error.strerror or error}."
    return EnvironmentFaultError(problem, "Choose another with --host or --port, or stop what listens there.")
