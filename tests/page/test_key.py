"""The key of a page: who gets in, and how a browser and a program carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import AuthorError
from pipeline.home.places import Home
from pipeline.page.app import create_app
from pipeline.page.guard import Access, is_loopback, needed_key
from pipeline.page.key import Key
from pipeline.settings import load_settings
from tests.conftest import NOON
from tests.page.conftest import TOKEN, Client, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

KEY = "a-key-of-this-page"
PATHS = ("/", "/api/graph", "/api/stream", "/api/tables/bronze_sensor_readings", "/docs", "/openapi.json",
         "/static/page.js")  # fmt: skip


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Client]:
    access = Access(token=TOKEN, key=Key(KEY))
    app = create_app(Home(tmp_path / "home"), load_settings(), FixedClock(NOON), _no_spark, access)
    with served(app) as found:
        yield found


def _no_spark() -> SparkSession:
    message = "this page is not to start Spark"
    raise AssertionError(message)


@pytest.mark.parametrize("path", PATHS)
def test_request_without_the_key_gets_neither_content_nor_token(locked: Client, path: str) -> None:
    for headers in (
        {},
        {"X_Pipeline_Key": "another"},
        {"Cookie": f"pipeline_key_{locked.port}={KEY}"},
        {"Cookie": "="},
    ):
        answer = locked.ask("GET", path, **headers)
        assert (answer.status, TOKEN in str(answer.body), KEY in str(answer.body)) == (401, False, False)


def test_post_with_the_token_and_without_the_key_is_refused(locked: Client) -> None:
    assert locked.ask("POST", "/api/updates", {}, X_CSRF_Token=TOKEN).status == 401
    # Beyond the key, the token is still needed.
    assert locked.ask("POST", "/api/updates", {}, X_Pipeline_Key=KEY).status == 403


def test_program_with_the_key_in_its_header_is_answered(locked: Client) -> None:
    assert locked.ask("GET", "/api/graph", X_Pipeline_Key=KEY).status == 200
    assert TOKEN in locked.ask("GET", "/", X_Pipeline_Key=KEY).body


def test_printed_address_gives_the_browser_a_cookie_and_leaves_the_address(locked: Client) -> None:
    answer = locked.ask("GET", f"/?key={KEY}")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert set(attributes) == {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert KEY not in cookie
    assert locked.ask("GET", "/", Cookie=f"other=1; {cookie}").status == 200
    assert locked.ask("GET", "/", Cookie=cookie[:-1]).status == 401


def test_key_in_another_address_or_a_wrong_key_lets_nobody_in(locked: Client) -> None:
    assert locked.ask("GET", f"/api/graph?key={KEY}").status == 401
    assert locked.ask("GET", "/?key=").status == 401
    assert locked.ask("GET", "/?key=%ff%00").status == 401
    assert locked.ask("POST", f"/?key={KEY}", {}, X_CSRF_Token=TOKEN).status == 401


def test_browser_without_the_key_reads_where_to_find_it(locked: Client) -> None:
    answer = locked.ask("GET", "/", Accept="text/html")
    assert (answer.status, answer.headers["cache-control"]) == (401, "no-store")
    assert "the address that python -m pipeline page printed" in answer.body
    assert "X-Pipeline-Key" in locked.ask("GET", "/api/graph").body["remedy"]


def test_foreign_host_learns_nothing_about_the_key(locked: Client) -> None:
    assert locked.ask("GET", f"/?key={KEY}", Host="evil.example").status == 403


def test_new_keys_differ_are_long_and_are_not_printed() -> None:
    first, second = Key(), Key()
    assert first.value != second.value
    assert len(first.value) >= 40
    assert first.value not in repr(Access(key=first))


@pytest.mark.parametrize("value", ["ü" * 20, "a\nb", " padded "])
def test_key_that_no_header_can_carry_is_refused(value: str) -> None:
    with pytest.raises(AuthorError, match="SMART_FACTORY_PAGE_KEY"):
        Key.given(value)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("LOCALHOST", True),
     ("0.0.0.0", False), ("::", False), ("", False), ("192.168.0.7", False), ("plant.example", False)],  # noqa: S104
)  # fmt: skip
def test_loopback_address_differs_from_others(host: str, is_one: bool) -> None:
    assert is_loopback(host) is is_one


@pytest.mark.parametrize(
    ("host", "asked", "chosen", "needs_one"),
    [("127.0.0.1", None, "", False), ("127.0.0.1", True, "", True), ("0.0.0.0", None, "", True),  # noqa: S104
     ("0.0.0.0", False, "", False), ("127.0.0.1", None, KEY, True), ("127.0.0.1", False, KEY, False)],  # noqa: S104
)  # fmt: skip
def test_key_is_the_default_where_other_machines_get_in(
    host: str, *, asked: bool | None, chosen: str, needs_one: bool
) -> None:
    found = needed_key(host, asked=asked, chosen=chosen)
    assert (found is not None) == needs_one
    assert found is None or not chosen or found.is_equal(chosen)
