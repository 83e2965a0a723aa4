"""Superset without Docker: `python superset/serve.py` starts what is missing and ends it all at a signal."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from credentials import CHECKOUT, state_folder, where
from warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = Path(__file__).resolve().parent
_LONGEST_START_SECONDS = 600
_THREADS = 12


class CannotServeError(Exception):
    """The server cannot run; the message says why and what to do."""


class Server:
    """The processes of one server, which are ended in the reverse order of their start."""

    def __init__(self, host: str, port: int, warehouse: Warehouse) -> None:
        self._host = host
        self._port = port
        self._warehouse = warehouse
        self._running: list[subprocess.Popen[bytes]] = []
        self.stop = threading.Event()

    def run(self) -> int:
        """Serve until a signal arrives, and return the exit code.

        Raises:
            CannotServeError: A part does not start, or ends by itself.
        """
        _check_port(self._host, self._port)
        try:
            self._start_warehouse()
            self._prepare()
            self._start_superset()
            while not self.stop.wait(0.5):
                self._check_alive()
        except _StoppedError:
            pass
        finally:
            self._end()
        return 0

    def _start_warehouse(self) -> None:
        if self._warehouse.answers():
            _say(f"The SQL warehouse at {self._warehouse.host}:{self._warehouse.port} answers.")
        elif self._warehouse.is_ours:
            _say("No SQL warehouse answers; starting one ...")
            self._spawn(self._warehouse.command, "warehouse.log")
        else:
            _say(f"The SQL warehouse at {self._warehouse.host}:{self._warehouse.port} does not answer; its charts "
                 "show an error until it does. Start it, or correct SMART_FACTORY_WAREHOUSE_URL.")  # fmt: skip

    def _prepare(self) -> None:
        _say("Preparing Superset (the first time takes a minute) ...")
        command = [sys.executable, str(_FOLDER / "prepare.py"), self._warehouse.url]
        process = self._spawn(command, "prepare.log")
        self._wait(lambda: process.poll() is not None, "Superset's preparation", "prepare.log")
        self._running.remove(process)
        if process.returncode:
            raise CannotServeError(f"Superset cannot be prepared. The reason is at the end of {_log('prepare.log')}.")
        # A warehouse that has just been started must answer before somebody opens a dashboard.
        if self._running:
            self._wait(self._warehouse.answers, "The SQL warehouse", "warehouse.log")

    def _start_superset(self) -> None:
        gunicorn = Path(sys.executable).with_name("gunicorn")
        self._spawn(
            [str(gunicorn), "--bind", f"{self._host}:{self._port}", "--workers", "1", "--worker-class", "gthread",
             "--threads", str(_THREADS), "--timeout", "120", "--graceful-timeout", "5", "--limit-request-line", "0",
             "--limit-request-field_size", "0", "--no-control-socket", "superset.app:create_app()"],
            "superset.log",
        )  # fmt: skip
        url = f"http://{'127.0.0.1' if self._host in {'0.0.0.0', '::'} else self._host}:{self._port}"  # noqa: S104
        self._wait(lambda: _is_healthy(url), "Superset", "superset.log")
        _say(f"Superset answers at {url.replace('127.0.0.1', 'localhost')}")
        _say(f"  user admin    password in {where('admin_password')}")
        _say(f"  user viewer   password in {where('viewer_password')} (sees dashboards and nothing else)")
        _say("Ctrl-C ends it.")

    def _spawn(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "SUPERSET_CONFIG_PATH": str(_FOLDER / "superset_config.py"),
            "PYTHONUNBUFFERED": "1",
        }
        with _log(log).open("ab") as stream:
            # A separate process group: Ctrl-C reaches only this process, which ends the others in order.
            process = subprocess.Popen(
                command, cwd=CHECKOUT, env=environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self._running.append(process)
        return process

    def _wait(self, is_done: Callable[[], bool], what: str, log: str) -> None:
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        while not is_done():
            if self.stop.wait(0.5):
                raise _StoppedError
            self._check_alive()
            if time.monotonic() > deadline:
                raise CannotServeError(f"{what} does not answer. Read {_log(log)}.")

    def _check_alive(self) -> None:
        for process in self._running:
            if process.poll() and "prepare.py" not in str(process.args):
                name = "warehouse" if "warehouse" in process.args else "superset"
                raise CannotServeError(f"The {name} ended with {process.returncode}. Read {_log(f'{name}.log')}.")

    def _end(self) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _StoppedError(Exception):
    pass


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _log(name: str) -> Path:
    return state_folder() / name


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServeError(
                f"Superset cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port with --port."
            ) from error


def main() -> int:
    """Serve, and return the exit code; a failure is one message with the next step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", help="the lakehouse; else SMART_FACTORY_HOME, else lakehouse/ in the checkout")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; 0.0.0.0 for all")
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--warehouse-port", type=int, help="of the SQL warehouse on this machine (10000)")
    options = parser.parse_args()
    if options.home:
        os.environ["SMART_FACTORY_HOME"] = str(Path(options.home).expanduser().absolute())
    os.umask(0o077)
    try:
        server = Server(options.host, options.port, Warehouse.find(options.warehouse_port))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop.set())
        return server.run()
    except (CannotServeError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, ValueError) else 1


if __name__ == "__main__":
    sys.exit(main())
