"""Whose requests the page answers."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from pipeline.page.guard import Access

OWN = "127.0.0.1:8000"
LOOPBACK = Access("127.0.0.1", frozenset({"plant.example"}), "a token")
OPEN = Access("0.0.0.0", token="a token")  # noqa: S104 - nothing is bound


def sent(*headers: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in headers])


def refused(access: Access, method: str, path: str, **headers: str) -> bool:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return access.refusal(method, path, sent(*given)) is not None


@pytest.mark.parametrize(
    ("host", "is_refused"),
    [
        (OWN, False),
        ("localhost:8000", False),
        ("LOCALHOST", False),
        ("[::1]:8000", False),
        ("plant.example:8000", False),
        ("evil.example:8000", True),
        ("127.0.0.1.evil.example", True),
        ("localhost.evil.example:8000", True),
        ("192.168.0.7:8000", True),
        ("127.0.0.1:8000, evil.example", True),
        ("user@127.0.0.1:8000", True),
        ("", True),
    ],
)
def test_page_on_loopback_answers_only_to_its_own_names(host: str, is_refused: bool) -> None:
    for path in ("/", "/api/graph", "/static/page.js"):
        assert refused(LOOPBACK, "GET", path, host=host) is is_refused


def test_request_without_a_host_or_with_two_is_refused() -> None:
    assert LOOPBACK.refusal("GET", "/", sent()) is not None
    assert LOOPBACK.refusal("GET", "/", sent(("host", OWN), ("host", "evil.example"))) is not None


def test_page_on_all_addresses_answers_to_addresses_and_not_to_foreign_names() -> None:
    assert not refused(OPEN, "GET", "/", host="192.168.0.7:8000")
    assert not refused(OPEN, "GET", "/", host="[fe80::1]:8000")
    assert refused(OPEN, "GET", "/", host="evil.example")


@pytest.mark.parametrize("name", ["origin", "referer"])
@pytest.mark.parametrize(
    ("value", "is_refused"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://127.0.0.1:8088", True),
        ("http://localhost:8000", True),
        ("http://evil.example", True),
        ("http://127.0.0.1:8000.evil.example", True),
        ("https://127.0.0.1", True),
        ("file://127.0.0.1:8000", True),
        ("http://[broken", True),
        ("null", True),
        ("", True),
    ],
)
def test_api_refuses_a_request_from_another_site_even_with_the_token(name: str, value: str, is_refused: bool) -> None:
    headers = {"host": OWN, "x_csrf_token": "a token", name: value}
    assert refused(LOOPBACK, "POST", "/api/updates", **headers) is is_refused
    assert refused(LOOPBACK, "GET", "/api/graph", **headers) is is_refused


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_request_that_the_browser_marks_as_cross_site_is_refused(site: str) -> None:
    assert refused(LOOPBACK, "GET", "/api/graph", host=OWN, sec_fetch_site=site)
    assert not refused(LOOPBACK, "GET", "/api/graph", host=OWN, sec_fetch_site="same-origin")


def test_link_from_any_site_opens_the_page() -> None:
    headers = {"host": OWN, "referer": "http://127.0.0.1:8088/superset/", "sec_fetch_site": "cross-site"}
    assert not refused(LOOPBACK, "GET", "/", **headers)
    assert refused(LOOPBACK, "POST", "/", **headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(("token", "is_refused"), [("a token", False), ("another", True), ("", True), ("ä", True)])
def test_request_other_than_a_plain_read_needs_the_token(method: str, token: str, is_refused: bool) -> None:
    assert refused(LOOPBACK, method, "/api/updates", host=OWN, x_csrf_token=token) is is_refused
    assert refused(LOOPBACK, method, "/api/updates", host=OWN)
    assert not refused(LOOPBACK, "GET", "/api/updates", host=OWN)


def test_tokens_of_two_starts_differ_and_are_not_printed() -> None:
    first, second = Access(), Access()
    assert first.token != second.token
    assert len(first.token) >= 40
    assert first.token not in repr(first)
