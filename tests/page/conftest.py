"""A lakehouse with two updates, and a page over it that is really served."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from pipeline.page.app import create_app
from pipeline.page.guard import Access
from pipeline.page.server import served as serving
from pipeline.settings import load_settings
from tests.conftest import NOON, TestLakehouse, reading
from tests.page.shop import open_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from pyspark.sql import SparkSession

    from tests.page.shop import Shop

TOKEN = "a-token"
SCRIPT = "<script>document.title='owned'</script>"


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Client:
    """Asks a page as a browser on the same machine would."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json", **sent})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in (answer.getheader("content-type") or "")
        return Answer(answer.status, json.loads(text) if is_json else text, dict(answer.getheaders()))

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.body

    def post(self, path: str, body: Any = None) -> Answer:
        return self.ask("POST", path, {} if body is None else body, X_CSRF_Token=TOKEN)


@contextmanager
def served(app: FastAPI) -> Iterator[Client]:
    """Serve a page until the block ends."""
    with serving(app) as address:
        yield Client(int(address.rsplit(":", 1)[1]))


def wait_until(is_so: Callable[[], Any], seconds: float = 240.0) -> Any:
    """Return what a condition gives once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.05)
    message = "It never came to be."
    raise AssertionError(message)


def page_over(home: Home, clock: FixedClock, spark: SparkSession | None = None) -> FastAPI:
    def session() -> SparkSession:
        assert spark is not None, "this page is not to start Spark"
        return spark

    return create_app(home, load_settings(), clock, session, Access(token=TOKEN))


@pytest.fixture(scope="package")
def updated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TestLakehouse:
    """Two updates: 4 readings, one of them without a device and one hot; then one with a new column."""
    made = TestLakehouse(spark, Home(tmp_path_factory.mktemp("page") / "a home"), FixedClock(NOON))
    made.land("a.json", [reading(), reading(SCRIPT), reading(None, note=SCRIPT), reading(temperature_celsius=41.0)])
    made.update()
    made.clock.advance(timedelta(minutes=5))
    made.land("b.json", [reading(humidity_percent=40.5)])
    made.update()
    return made


@pytest.fixture(scope="package")
def client(updated: TestLakehouse) -> Iterator[Client]:
    with served(page_over(updated.home, updated.clock)) as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Client]:
    with served(page_over(Home(tmp_path / "empty home"), FixedClock(NOON))) as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path)
