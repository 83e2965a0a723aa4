"""A lakehouse filled by real updates, and one warehouse over it for all tests here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from pipeline.delta.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_START = 240.0


def run(*words: str, home: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of the project to its end."""
    return subprocess.run(
        [sys.executable, "-m", *words, "--home", str(home)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=LONGEST_START, **options,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A warehouse in a process of its own."""

    home: Path
    port: int
    process: subprocess.Popen[str]
    first_line: str = ""

    @classmethod
    def start(cls, home: Path, *words: str, port: int | None = None, **environment: str) -> Server:
        port = port or free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "warehouse", "--home", str(home), "--port", str(port), *words],
            cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "SMART_FACTORY_TEST_SECRET": "not for clients", "TMPDIR": str(home.parent), **environment},
        )  # fmt: skip
        assert process.stdout is not None
        return cls(home, port, process, process.stdout.readline().strip())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def connect(self, **options: Any) -> Any:
        from pyhive import hive

        return hive.connect("127.0.0.1", port=self.port, username="test", **{"database": "smart_factory", **options})

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        # A connection whose session ends with an error does not close its socket.
        connection = self.connect()
        with closing(connection._transport), closing(connection), closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def log(self) -> str:
        """Return what the server's Spark and Hive have logged so far."""
        (log,) = self.home.parent.glob("lakehouse-warehouse-*/state/log/spark.log")
        return log.read_text(encoding="utf-8")

    def columns(self, table: str) -> list[str]:
        return [str(row[0]) for row in self.ask(f"DESCRIBE {table}")]

    def refusal(self, statement: str) -> str:
        """Return what the warehouse says; the statement must not succeed."""
        from pyhive.exc import OperationalError

        with pytest.raises(OperationalError) as raised:
            self.ask(statement)
        return message_of(raised.value)

    def path(self, table: str) -> Path:
        return self.home / "smart_factory" / table

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows as another Delta client reads them."""
        found: list[dict[str, Any]] = Table(self.path(table)).rows().to_pylist()
        return found


def message_of(error: Exception) -> str:
    response: Any = error.args[0]
    return str(response.status.errorMessage)


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lakehouse after one update of two files and the evaluation of an alert."""
    home = tmp_path_factory.mktemp("warehouse") / "a home"
    batch = run("generators", "batch", "--files", "2", "--records", "50", "--seed", "1", "--at", "-6h", home=home)
    assert batch.returncode == 0, batch.stderr
    update = run("pipeline", "run", home=home)
    assert update.returncode == 0, update.stderr
    return home


@pytest.fixture(scope="session")
def warehouse(filled_home: Path) -> Iterator[Server]:
    server = Server.start(filled_home)
    assert "answers at hive://127.0.0.1:" in server.first_line, server.first_line
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside the lakehouse, with a file of every kind that Spark reads."""
    folder = tmp_path_factory.mktemp("outside")
    for ending, content in {"txt": "secret", "json": '{"a": "secret"}', "csv": "secret,secret"}.items():
        (folder / f"secret.{ending}").write_text(content)
    table = pa.table({"a": ["secret"]})
    pq.write_table(table, folder / "secret.parquet")
    write_deltalake(folder / "delta", table)
    return folder
