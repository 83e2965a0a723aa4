"""A small S3 server in this process, which keeps its promises or not, as a test wants it."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

from tests.storage.loopback import Handler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAMP = "2026-03-01T12:00:00.000Z"
# Between the check and the write of a server that is not atomic: long enough for all racers to have checked.
_GAP_SECONDS = 0.2


class LyingServer(LoopbackServer):
    """Objects in memory, for one bucket and without signatures.

    Args:
        checks: Whether conditions are looked at.
        is_atomic: Whether nobody else can write between the check and the write.
        listing_lags: Whether a listing lacks the object that was written last.
    """

    def __init__(self, *, checks: bool = True, is_atomic: bool = True, listing_lags: bool = False) -> None:
        self._checks, self._is_atomic, self._listing_lags = checks, is_atomic, listing_lags
        self._objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        self._newest = ""
        self._guard = threading.Lock()
        super().__init__(_handler(self))

    def get(self, key: str) -> tuple[int, Mapping[str, str], bytes]:
        with self._guard:
            if key not in self._objects:
                return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
            data, metadata = self._objects[key]
        return 200, {"ETag": _etag(data), "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", **metadata}, data

    def change(self, key: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Write or delete an object, if the headers' conditions are true."""
        gap = not self._is_atomic and not headers.keys().isdisjoint({"if-match", "if-none-match"})
        if gap:
            with self._guard:
                refused = self._refuses(key, headers)
            time.sleep(_GAP_SECONDS)
        with self._guard:
            if not gap:
                refused = self._refuses(key, headers)
            if refused:
                return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
            if data is None:
                self._objects.pop(key, None)
                return 204, {}, b""
            metadata = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
            self._objects[key] = data, metadata
            self._newest = key
        return 200, {"ETag": _etag(data)}, b""

    def part(self, upload: str, number: int, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        with self._guard:
            self._parts.setdefault(upload, {})[number] = data
        return 200, {"ETag": _etag(data)}, b""

    def complete(self, key: str, upload: str) -> tuple[int, Mapping[str, str], bytes]:
        data = b"".join(part for _, part in sorted(self._parts[upload].items()))
        self.change(key, data, {})
        done = f"<CompleteMultipartUploadResult><ETag>{_etag(data)}</ETag></CompleteMultipartUploadResult>"
        return 200, {}, done.encode()

    def list(self, prefix: str, after: str) -> tuple[int, Mapping[str, str], bytes]:
        with self._guard:
            keys = sorted((key for key in self._objects if key.startswith(prefix) and key > after), key=str.encode)
            shown = "".join(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{_STAMP}</LastModified>"
                f"<ETag>{_etag(self._objects[key][0])}</ETag><Size>{len(self._objects[key][0])}</Size></Contents>"
                for key in keys
                if not (self._listing_lags and key == self._newest)
            )
        return 200, {}, f"<ListBucketResult><IsTruncated>false</IsTruncated>{shown}</ListBucketResult>".encode()

    def _refuses(self, key: str, headers: Mapping[str, str]) -> bool:
        if not self._checks:
            return False
        if headers.get("if-none-match"):
            return key in self._objects
        wanted = headers.get("if-match")
        return wanted is not None and (key not in self._objects or _etag(self._objects[key][0]) != wanted)


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _posted(
    objects: LyingServer, key: str, asked: Mapping[str, list[str]], body: str
) -> tuple[int, Mapping[str, str], bytes]:
    if "uploads" in asked:
        begun = f"<InitiateMultipartUploadResult><UploadId>{key}</UploadId></InitiateMultipartUploadResult>"
        return 200, {}, begun.encode()
    if "delete" in asked:
        keys = re.findall(r"<Key>(.*?)</Key>", body)
        for deleted in keys:
            objects.change(unescape(deleted), None, {})
        shown = "".join(f"<Deleted><Key>{deleted}</Key></Deleted>" for deleted in keys)
        return 200, {}, f"<DeleteResult>{shown}</DeleteResult>".encode()
    return objects.complete(key, asked["uploadId"][0])


def _handler(objects: LyingServer) -> type[Handler]:
    class Memory(Handler):
        def answer(self) -> None:
            url = urlsplit(self.path)
            key, asked = unquote(url.path).partition("/lake/")[2], parse_qs(url.query, keep_blank_values=True)
            body = self.body()
            headers = dict(self.headers.items())
            if self.command == "PUT" and "uploadId" in asked:
                status, given, content = objects.part(asked["uploadId"][0], int(asked["partNumber"][0]), body)
            elif self.command in {"PUT", "DELETE"}:
                conditions = {name.lower(): value for name, value in headers.items()}
                status, given, content = objects.change(key, body if self.command == "PUT" else None, conditions)
            elif self.command == "POST":
                status, given, content = _posted(objects, key, asked, body.decode())
            elif "list-type" in asked:
                status, given, content = objects.list(asked["prefix"][0], asked.get("start-after", [""])[0])
            else:
                status, given, content = objects.get(key)
            self.send_response_only(status)
            for name, value in given.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    return Memory
