"""The page over an empty lakehouse, through a real server: its documents, its refusals, its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conftest import TABLES
from tests.page.conftest import TOKEN

if TYPE_CHECKING:
    from tests.page.conftest import Client


def test_page_contains_its_token_and_forbids_content_from_other_sites(empty: Client) -> None:
    answer = empty.ask("GET", "/")
    assert f'<meta name="csrf-token" content="{TOKEN}">' in answer.body
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "://" not in answer.body.replace("<!doctype html>", "")


def test_request_without_token_or_from_a_foreign_site_is_answered_with_403(empty: Client) -> None:
    assert empty.ask("POST", "/api/updates", {}).status == 403
    assert empty.ask("POST", f"/api/updates?token={TOKEN}&csrf-token={TOKEN}", {}).status == 403
    assert empty.ask("GET", "/api/graph", Host="evil.example").status == 403
    for name in ("Origin", "Referer"):
        sent = {name: "http://evil.example/", "X_CSRF_Token": TOKEN}
        assert empty.ask("POST", "/api/updates", {}, **sent).status == 403
        assert empty.ask("GET", "/api/graph", **{name: "http://evil.example/"}).status == 403


def test_api_is_described_for_programs_and_for_people(empty: Client) -> None:
    described = empty.get("/openapi.json")
    promised = {"/api/graph", "/api/updates", "/api/updates/{update_id}", "/api/events", "/api/alerts"}
    assert promised <= set(described["paths"])
    assert set(described["paths"]["/api/updates"]) == {"get", "post"}
    (scheme,) = described["paths"]["/api/updates"]["post"]["security"]
    assert described["components"]["securitySchemes"][next(iter(scheme))]["name"] == "X-CSRF-Token"
    assert "security" not in described["paths"]["/api/updates"]["get"]
    assert "/api/updates" in empty.ask("GET", "/docs").body


def test_graph_of_an_empty_lakehouse_lists_the_declared_tables(empty: Client) -> None:
    graph = empty.get("/api/graph")
    assert (graph["update"], graph["nodes"], graph["waiting_files"]) == (None, [], 0)
    assert graph["declared"] == list(TABLES)
    assert empty.get("/api/updates") == []
    assert empty.get("/api/events")["events"] == []
