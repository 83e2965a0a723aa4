"""Queries that ask for too much: they fail alone where Spark can make it so; else the warehouse ends, and says so."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyhive.exc import Error
from thrift.Thrift import TException  # type: ignore[import-untyped]

from tests.warehouse.attacks import EXHAUSTING, FATAL
from tests.warehouse.conftest import CHECKOUT, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.spark, pytest.mark.slow]
CLIENTS = 20
LONGEST_OUTAGE_SECONDS = 120.0
LIMITS = "warehouse: {query_time_limit: 20s, result_limit: 1m, result_rows: 1000}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lakehouse of one table with five thousand rows."""
    home = tmp_path_factory.mktemp("limits") / "home"
    write_deltalake(home / "smart_factory" / "t", pa.table({"a": list(range(5_000))}))
    return home


@pytest.fixture(scope="module")
def limited(home: Path) -> Iterator[Server]:
    settings = home.with_name("limited.yml")
    suites, source = CHECKOUT / "expectations", CHECKOUT / "pipeline" / "smart_factory.py"
    settings.write_text(f"name: A\nschema: smart_factory\nsource: {source}\nexpectations: {suites}\n{LIMITS}")
    server = Server.start(home, "--pipeline", str(settings))
    assert "answers at hive://127.0.0.1:" in server.first_line, server.first_line
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize("name", EXHAUSTING)
def test_query_that_asks_for_too_much_fails_alone(limited: Server, name: str) -> None:
    statement, said = EXHAUSTING[name]
    with pytest.raises((Error, TException)) as raised:
        limited.ask(statement)
    assert said in str(raised.value)
    assert limited.process.poll() is None
    assert limited.ask("SELECT count(*) FROM t") == [(5_000,)]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT a FROM t LIMIT 900", 900),
        ("SELECT a FROM t ORDER BY a DESC LIMIT 3", 3),
        ("SELECT a % 7, count(*) FROM t GROUP BY 1", 7),
        ("SELECT id FROM range(900)", 900),
        ("DESCRIBE t", 1),
    ],
)
def test_answer_within_the_limits_is_complete(limited: Server, statement: str, rows: int) -> None:
    assert len(limited.ask(statement)) == rows


class Restarted:
    """A warehouse that is started again whenever it ends, as Docker does."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.ends: list[tuple[int, str]] = []
        self.is_over = threading.Event()
        self.server = self._start(home)
        self._thread = threading.Thread(target=self._watch, args=(home,))
        self._thread.start()

    def _start(self, home: Path) -> Server:
        return Server.start(home, port=self.port, SMART_FACTORY_DRIVER_MEMORY="600m")

    def _watch(self, home: Path) -> None:
        while True:
            said, _ = self.server.process.communicate()
            if self.is_over.is_set():
                return
            self.ends.append((self.server.process.returncode, said))
            self.server = self._start(home)

    def end(self) -> None:
        self.is_over.set()
        self.server.process.terminate()
        self._thread.join(60)


def is_answered(warehouse: Restarted, statement: str) -> bool:
    try:
        return warehouse.server.ask(statement) == [(5_000,)]
    except (Error, TException, OSError, EOFError):
        return False


def test_twenty_clients_are_served_again_after_one_has_exhausted_the_memory(home: Path) -> None:
    warehouse = Restarted(home)
    served: dict[int, float] = {}

    def client(number: int) -> None:
        while not warehouse.ends and not warehouse.is_over.is_set():
            is_answered(warehouse, "SELECT count(*) FROM t")
        ended = time.monotonic()
        while not warehouse.is_over.is_set() and not is_answered(warehouse, "SELECT count(*) FROM t"):
            time.sleep(0.5)
        served[number] = time.monotonic() - ended

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS - 1)]
    try:
        for one in clients:
            one.start()
        assert not is_answered(warehouse, FATAL)
        for one in clients:
            one.join(2 * LONGEST_OUTAGE_SECONDS)
    finally:
        warehouse.end()
    ((code, said),) = warehouse.ends
    assert code == 1
    assert said.splitlines()[-1].startswith("The SQL warehouse has ended: a query needed ")
    assert len(served) == CLIENTS - 1
    assert max(served.values()) < LONGEST_OUTAGE_SECONDS
