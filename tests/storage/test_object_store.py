"""What can go wrong between a client and its object store: answers that are lost, a store that is away or refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.storage.faults import StoreRefusedError
from pipeline.storage.object_store import Endpoint, ObjectStore
from pipeline.storage.store import ChangedError
from tests.storage.lossy_proxy import LossyProxy
from tests.storage.versitygw import BUCKET, PASSWORD, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.object_store

SHORT = timedelta(seconds=2)


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[LossyProxy]:
    with LossyProxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: LossyProxy, objects: ObjectStore, request: pytest.FixtureRequest) -> ObjectStore:
    """A store whose answers the proxy may lose; `objects` has set the environment."""
    del objects
    return ObjectStore(BUCKET, f"lossy/{request.node.name}", Endpoint(proxy.url, patience=timedelta(seconds=20)))


def test_creation_whose_answer_is_lost_succeeds_once(proxy: LossyProxy, behind: ObjectStore) -> None:
    proxy.lose(1)
    etag = behind.create("v1.json", b"mine")
    assert proxy.lost == ["PUT"]
    assert (behind.read("v1.json").data, behind.read("v1.json").etag) == (b"mine", etag)
    with pytest.raises(FileExistsError):
        behind.create("v1.json", b"mine")


def test_replacement_whose_answer_is_lost_succeeds_once(proxy: LossyProxy, behind: ObjectStore) -> None:
    first = behind.create("lease", b"1")
    proxy.lose(1)
    second = behind.replace("lease", b"2", first)
    assert proxy.lost == ["PUT"]
    assert (behind.read("lease").data, behind.read("lease").etag) == (b"2", second)
    with pytest.raises(ChangedError):
        behind.replace("lease", b"2", first)


def test_refusal_whose_answer_is_lost_stays_a_refusal(proxy: LossyProxy, behind: ObjectStore) -> None:
    first = behind.create("lease", b"1")
    second = behind.replace("lease", b"2", first)
    proxy.lose(1)
    with pytest.raises(ChangedError):
        behind.replace("lease", b"3", first)
    proxy.lose(1)
    with pytest.raises(FileExistsError):
        behind.create("lease", b"4")
    assert proxy.lost == ["PUT", "PUT"]
    assert (behind.read("lease").data, behind.read("lease").etag) == (b"2", second)


def test_conditional_deletion_whose_answer_is_lost_is_a_fault_that_a_retry_gets_over(
    proxy: LossyProxy, behind: ObjectStore
) -> None:
    etag = behind.create("landing/1.json", b"[]")
    proxy.lose(1)
    with pytest.raises(EnvironmentFaultError) as fault:
        behind.delete("landing/1.json", if_same=etag)
    assert fault.value.retryable
    behind.delete("landing/1.json", if_same=etag)
    assert list(behind.list()) == []


def test_store_that_is_away_is_a_fault_of_the_environment_and_its_return_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = S3Server(tmp_path)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    store = ObjectStore(BUCKET, "a home", Endpoint(patience=SHORT))
    server.start()
    try:
        store.create("1", b"1")
        server.stop()
        for use in (lambda: store.read("1"), lambda: store.create("2", b""), lambda: list(store.list())):
            with pytest.raises(
                EnvironmentFaultError, match="did not answer as it should for s3://lake/a home"
            ) as fault:
                use()
            assert fault.value.retryable
        server.start()
        assert [entry.name for entry in store.list()] == ["1"]
    finally:
        server.stop()


def test_wrong_password_is_refused_without_being_shown(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    etag = objects.create("1", b"1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"not {PASSWORD}")
    store = ObjectStore(BUCKET, "a home", Endpoint(patience=SHORT))
    for use in (
        lambda: store.read("1"),
        lambda: store.create("2", b""),
        lambda: list(store.list()),
        lambda: store.delete("1", if_same=etag),
    ):
        with pytest.raises(StoreRefusedError, match="Correct AWS_ACCESS_KEY_ID") as refusal:
            use()
        assert not refusal.value.retryable
        assert PASSWORD not in str(refusal.value)
        assert "Signature=" not in str(refusal.value) or "Signature=***" in str(refusal.value)


def test_missing_bucket_is_refused(objects: ObjectStore) -> None:
    del objects
    store = ObjectStore("nowhere", "a home", Endpoint(patience=SHORT))
    for use in (lambda: store.read("1"), lambda: store.create("2", b""), lambda: list(store.list())):
        with pytest.raises(StoreRefusedError, match="the bucket does not exist"):
            use()
