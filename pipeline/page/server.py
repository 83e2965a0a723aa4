"""The page's server: where it listens, and how it ends although somebody follows its stream."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

_SECONDS_TO_CLOSE = 2
_SECONDS_TO_END = 30


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any free one.

    Raises:
        EnvironmentFaultError: The address cannot be had.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise _taken(host, port, error) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # From here on nobody is turned away, though answers may take a moment.
        bound.listen()
    except OSError as error:
        bound.close()
        raise _taken(host, port, error) from error
    return bound


class PageServer(uvicorn.Server):
    """Serves the page's application."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False,
                timeout_graceful_shutdown=_SECONDS_TO_CLOSE,
            )
        )  # fmt: skip
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; those who follow the stream are let go first, or they would be waited for."""
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
    return EnvironmentFaultError(problem, "Choose another with --host or --port, or end what listens there.")
