"""A prefix of a bucket of an S3 object store as a store."""

from __future__ import annotations

import io
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

from pipeline.storage.faults import store_fault, store_faults
from pipeline.storage.signed_delete import signed_delete
from pipeline.storage.store import ChangedError, Content, Entry, valid_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore import PutMode

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
# The name of the object's metadata that says which request wrote it.
_WRITER = "lakehouse-writer"
# A store may refuse a write because of another that then fails itself.
_CONFLICTS = 5
_BUFFER_BYTES = 8 << 20


@dataclass(frozen=True)
class Endpoint:
    """Where the object store is; the environment says it where this does not, and has the credentials.

    Attributes:
        url: Its address; that of AWS by default.
        region: Its region.
        path_style: Whether the bucket is part of the path and not of the host's name.
        patience: How long a request is repeated that does not get through.
    """

    url: str | None = None
    region: str | None = None
    path_style: bool = True
    patience: timedelta = timedelta(minutes=1)


class ObjectStore:
    """Objects below a prefix of a bucket.

    A response may get lost, and the repeated request is then refused because the first one succeeded. So each write
    puts a unique id into the object's metadata, and a refused write checks whether the object has its own id.
    """

    def __init__(self, bucket: str, prefix: str = "", endpoint: Endpoint | None = None) -> None:
        endpoint = endpoint or Endpoint()
        self._bucket = bucket
        self._prefix = f"{valid_name(prefix)}/" if prefix else ""
        self._store = _open(bucket, endpoint)

    def read(self, name: str) -> Content:
        """Return an object."""
        with store_faults(self._uri(name)):
            found = obstore.get(self._store, self._key(name))
            return Content(bytes(found.bytes()), _etag(found.meta))

    def create(self, name: str, data: bytes) -> str:
        """Write a new object with a PUT that succeeds only if the object does not exist."""
        for _ in range(_CONFLICTS):
            try:
                return self._put(name, data, "create")
            except AlreadyExistsError:
                if self._head(name) is not None:
                    raise FileExistsError(self._uri(name)) from None
        problem = f"{self._uri(name)} is refused because it exists, but it does not"
        raise store_fault(self._uri(name), RuntimeError(problem))

    def replace(self, name: str, data: bytes, if_same: str) -> str:
        """Replace an object with a PUT that succeeds only if its ETag is unchanged."""
        try:
            return self._put(name, data, {"e_tag": if_same})
        except (PreconditionError, FileNotFoundError):
            raise ChangedError(self._uri(name)) from None

    def delete(self, name: str, if_same: str | None = None) -> None:
        """Delete an object."""
        with store_faults(self._uri(name)):
            if if_same is None:
                obstore.delete(self._store, self._key(name))
            elif not signed_delete(self._store, self._key(name), if_same):
                raise ChangedError(self._uri(name))

    def list(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        """Return the objects below a prefix, a thousand for each request."""
        below = f"{self._prefix}{valid_name(prefix)}" if prefix else self._prefix.rstrip("/")
        offset = f"{self._prefix}{after}" if after else None
        with store_faults(f"s3://{self._bucket}/{below}"):
            for page in obstore.list(self._store, below or None, offset=offset, chunk_size=1000):
                for meta in page:
                    yield Entry(meta["path"].removeprefix(self._prefix), meta["size"], _etag(meta))

    @contextmanager
    def open_reader(self, name: str, if_same: str | None = None) -> Iterator[BinaryIO]:
        """Open an object by one GET, so that all of it is of one version."""
        try:
            with store_faults(self._uri(name)):
                options: Any = {"if_match": if_same} if if_same is not None else None
                found = obstore.get(self._store, self._key(name), options=options)
        except PreconditionError:
            raise ChangedError(self._uri(name)) from None
        with io.BufferedReader(_Source(found, self._uri(name)), 1 << 20) as file:
            yield cast("BinaryIO", file)

    @contextmanager
    def open_writer(self, name: str) -> Iterator[BinaryIO]:
        """Open an object for writing, in parts where it is large; parts of a block that fails belong to no object."""
        sink = _Sink(obstore.open_writer(self._store, self._key(name), buffer_size=_BUFFER_BYTES), self._uri(name))
        yield cast("BinaryIO", sink)
        sink.complete()

    def _put(self, name: str, data: bytes, mode: PutMode) -> str:
        writer = uuid.uuid4().hex
        try:
            with store_faults(self._uri(name)):
                result = obstore.put(
                    self._store, self._key(name), data, mode=mode, attributes={_WRITER: writer}, use_multipart=False
                )
        except Exception:
            found = self._head(name)
            if found is None or found.attributes.get(_WRITER) != writer:
                raise
            return _etag(found.meta)
        return _etag(result)

    def _head(self, name: str) -> obstore.GetResult | None:
        try:
            with store_faults(self._uri(name)):
                return obstore.get(self._store, self._key(name), options={"head": True})
        except FileNotFoundError:
            return None

    def _key(self, name: str) -> str:
        return f"{self._prefix}{valid_name(name)}"

    def _uri(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"


def _open(bucket: str, endpoint: Endpoint) -> S3Store:
    config: dict[str, Any] = {"virtual_hosted_style_request": not endpoint.path_style}
    if endpoint.url:
        config["endpoint"] = endpoint.url
    if endpoint.region:
        config["region"] = endpoint.region
    address = endpoint.url or os.environ.get(ENDPOINT_VARIABLE, "")
    return S3Store(
        bucket,
        client_options={
            "allow_http": address.startswith("http://"), "timeout": min(endpoint.patience, timedelta(seconds=30))
        },
        retry_config={"retry_timeout": endpoint.patience},
        **config,
    )  # fmt: skip


def _etag(meta: Any) -> str:
    return str(meta["e_tag"])


class _Source(io.RawIOBase):
    """The content of one GET, part by part."""

    def __init__(self, found: obstore.GetResult, uri: str) -> None:
        self._parts = iter(found.stream(min_chunk_size=1 << 20))
        self._left = memoryview(b"")
        self._uri = uri

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            with store_faults(self._uri):
                self._left = memoryview(next(self._parts, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class _Sink(io.RawIOBase):
    """An object that appears when it is completed; closing it, as a writer of Parquet may, does not complete it."""

    def __init__(self, writer: Any, uri: str) -> None:
        self._writer = writer
        self._uri = uri
        self._bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._bytes

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        with store_faults(self._uri):
            self._writer.write(bytes(view))
        self._bytes += len(view)
        return len(view)

    def complete(self) -> None:
        with store_faults(self._uri):
            self._writer.close()
