"""The one request that obstore does not know: deleting an object only if its ETag is still the same."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore

if TYPE_CHECKING:
    from obstore.store import S3Store

_VALID_FOR = timedelta(minutes=5)
_TIMEOUT = timedelta(seconds=30)
_GONE = {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
_CHANGED = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT}


def signed_delete(store: S3Store, key: str, etag: str) -> bool:
    """Delete an object that still has an ETag; return False, and delete nothing, if it has another.

    Raises:
        OSError: The store did not answer, or with something else; whether the object is deleted is unknown.
    """
    url = urlsplit(obstore.sign(store, "DELETE", key, _VALID_FOR))
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.netloc, timeout=_TIMEOUT.total_seconds())
    try:
        connection.request("DELETE", f"{url.path}?{url.query}", headers={"If-Match": etag})
        answer = connection.getresponse()
        body = answer.read()
    except HTTPException as error:
        raise OSError(repr(error)) from error
    finally:
        connection.close()
    if answer.status in _CHANGED:
        return False
    if answer.status not in _GONE:
        problem = f"the answer to a conditional DELETE was {answer.status} {body[:200]!r}"
        raise OSError(problem)
    return True
