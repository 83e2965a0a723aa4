"""A store is found good, or refused with what it lacks; a server that checks and then writes is found out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError, EnvironmentFaultError
from pipeline.storage.object_store import Endpoint, ObjectStore
from pipeline.storage.probe import VERDICT, ensure_probed, probe
from tests.storage.lying_server import LyingServer

if TYPE_CHECKING:
    from pipeline.storage.store import Store

OVERWRITES = "it writes over an object that a PUT with `If-None-Match: *` should not replace"
SWAPS = "it replaces an object in spite of `If-Match` with an ETag of before"
DELETES = "it deletes an object in spite of `If-Match` with an ETag of before"


def lying(server: LyingServer, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    return ObjectStore("lake", "a home", Endpoint(server.url, "us-east-1"))


def test_good_store_lacks_nothing_and_keeps_only_the_verdict(store: Store) -> None:
    assert probe(store) == []
    ensure_probed(store, "s3://lake/a home")
    assert [entry.name for entry in store.list()] == [VERDICT]
    assert json.loads(store.read(VERDICT).data) == {"format": 1, "lacks": []}


def test_store_that_was_found_good_is_not_probed_again(store: Store) -> None:
    ensure_probed(store, "s3://lake/a home")
    before = store.read(VERDICT).etag
    ensure_probed(store, "s3://lake/a home")
    assert store.read(VERDICT).etag == before


def test_server_that_does_as_it_says_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer() as server:
        assert probe(lying(server, monkeypatch)) == []


def test_server_that_ignores_conditions_is_refused_with_all_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer(checks=False) as server:
        store = lying(server, monkeypatch)
        lacks = probe(store)
        assert [lacks[0], *lacks[2:3], lacks[4]] == [OVERWRITES, SWAPS, DELETES]
        assert [lack.partition(" with ")[0] for lack in (lacks[1], lacks[3])] == ["of 16 PUTs at once"] * 2
        assert len(lacks) == 5
        with pytest.raises(AuthorError, match="cannot keep a home: it writes over an object") as refusal:
            ensure_probed(store, "s3://lake/a home")
        assert refusal.value.exit_code == 2
        assert list(store.list()) == []


def test_server_that_checks_and_then_writes_is_found_out_in_races(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer(is_atomic=False) as server:
        lacks = probe(lying(server, monkeypatch))
    assert [lack.partition(", ")[0] for lack in lacks] == [
        "of 16 PUTs at once with `If-None-Match: *`",
        "of 16 PUTs at once with `If-Match`",
    ]


def test_server_whose_listing_is_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer(listing_lags=True) as server:
        assert "a listing lacks an object that was written before it" in probe(lying(server, monkeypatch))


def test_store_that_does_not_answer_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer() as server:
        pass
    with pytest.raises(EnvironmentFaultError, match="did not answer"):
        ensure_probed(lying(server, monkeypatch), "s3://lake/a home")
