"""Each store that a test of this folder is run over."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from pipeline.storage.folder import FolderStore
from pipeline.storage.object_store import ObjectStore
from tests.storage.versitygw import BUCKET, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.storage.store import Store


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for all tests; each has a prefix of its own."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def objects(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return ObjectStore(BUCKET, f"a home/{uuid.uuid4().hex}")


@pytest.fixture(params=["folder", pytest.param("objects", marks=pytest.mark.object_store)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "a home")
    found: ObjectStore = request.getfixturevalue("objects")
    return found
