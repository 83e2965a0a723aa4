"""Whether a store keeps what an update relies on; asked once, at a home's first use."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError
from pipeline.storage.store import ChangedError, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERDICT = "state/store.json"
_FORMAT = 1
_RACERS = 16
_RACES = 4
# Large enough for a multipart upload, which a store handles differently from a single PUT.
_LARGE_BYTES = 17 << 20


def ensure_probed(store: Store, where: str) -> None:
    """Probe a store, unless it was found good before; the verdict is kept in `state/store.json`.

    Args:
        store: The store of a home.
        where: Its address, for the error.

    Raises:
        AuthorError: The store lacks something; all that it lacks is named, and no verdict is kept.
        EnvironmentFaultError: The store does not answer, or refuses access.
    """
    with suppress(FileNotFoundError, ValueError):
        if json.loads(store.read(VERDICT).data).get("format") == _FORMAT:
            return
    if lacks := probe(store):
        problem = f"The object store at {where} cannot keep a home: {'; '.join(lacks)}."
        raise AuthorError(
            problem, "Use a store with conditional writes, such as AWS S3 or versitygw, or a local folder."
        )
    with suppress(FileExistsError):
        store.create(VERDICT, json.dumps({"format": _FORMAT, "lacks": []}).encode())


def probe(store: Store) -> list[str]:
    """Return what a store lacks, in the order in which it is tried; what the probe wrote is deleted again."""
    folder = f"state/probe/{uuid.uuid4().hex}"
    try:
        return [lack for check in _CHECKS for lack in check(store, folder)]
    finally:
        for entry in list(store.list(folder)):
            store.delete(entry.name)


def _creates_once(store: Store, folder: str) -> Iterator[str]:
    name = f"{folder}/once"
    store.create(name, b"1")
    if _succeeds(lambda: store.create(name, b"2"), FileExistsError) or store.read(name).data != b"1":
        yield "it writes over an object that a PUT with `If-None-Match: *` should not replace"


def _creates_once_in_races(store: Store, folder: str) -> Iterator[str]:
    for race in range(_RACES):
        name = f"{folder}/race-{race}"
        won = _winners(partial(store.create, name), FileExistsError)
        if [store.read(name).data] != won:
            yield f"of {_RACERS} PUTs at once with `If-None-Match: *`, {len(won)} succeeded instead of one"
            return


def _compares_and_swaps(store: Store, folder: str) -> Iterator[str]:
    name = f"{folder}/swap"
    first = store.create(name, b"1")
    if not _succeeds(lambda: store.replace(name, b"2", first), ChangedError):
        yield "it refuses a PUT with `If-Match` and the object's own ETag"
    elif _succeeds(lambda: store.replace(name, b"3", first), ChangedError) or store.read(name).data != b"2":
        yield "it replaces an object in spite of `If-Match` with an ETag of before"


def _compares_and_swaps_in_races(store: Store, folder: str) -> Iterator[str]:
    name = f"{folder}/swap-race"
    etag = store.create(name, b"start")
    for _ in range(_RACES):
        won = _winners(partial(store.replace, name, if_same=etag), ChangedError)
        found = store.read(name)
        if [found.data] != won:
            yield f"of {_RACERS} PUTs at once with `If-Match`, {len(won)} succeeded instead of one"
            return
        etag = found.etag


def _deletes_if_same(store: Store, folder: str) -> Iterator[str]:
    name = f"{folder}/delete"
    first = store.create(name, b"1")
    second = store.replace(name, b"2", first)
    if _succeeds(lambda: store.delete(name, first), ChangedError):
        yield "it deletes an object in spite of `If-Match` with an ETag of before"
    elif not _succeeds(lambda: store.delete(name, second), ChangedError) or name in _names(store, folder):
        yield "it does not delete an object with `If-Match` and the object's own ETag"


def _keeps_large_objects(store: Store, folder: str) -> Iterator[str]:
    data = uuid.uuid4().bytes * (_LARGE_BYTES // 16)
    with store.open_writer(f"{folder}/large") as file:
        file.write(data)
    with store.open_reader(f"{folder}/large") as file:
        if file.read() != data:
            yield "it does not give back what was uploaded in parts"


def _lists_what_is_written(store: Store, folder: str) -> Iterator[str]:
    below, given = f"{folder}/list", [f"{folder}/list/{name}" for name in ("10", "2", "a b", "z", "é")]
    for count, name in enumerate(given, 1):
        store.create(name, b"")
        if sorted(_names(store, below)) != sorted(given[:count]):
            yield "a listing lacks an object that was written before it"
            return
    if _names(store, below) != given or _names(store, below, after=given[1]) != given[2:]:
        yield "a listing is not in the order of the bytes of the names, or does not begin after a given name"


_CHECKS: tuple[Callable[[Store, str], Iterator[str]], ...] = (
    _creates_once,
    _creates_once_in_races,
    _compares_and_swaps,
    _compares_and_swaps_in_races,
    _deletes_if_same,
    _keeps_large_objects,
    _lists_what_is_written,
)


def _names(store: Store, folder: str, after: str = "") -> list[str]:
    return [entry.name for entry in store.list(folder, after)]


def _succeeds(use: Callable[[], object], refusal: type[Exception]) -> bool:
    try:
        use()
    except refusal:
        return False
    return True


def _winners(write: Callable[[bytes], object], refusal: type[Exception]) -> list[bytes]:
    contents = [f"{racer} {uuid.uuid4().hex}".encode() for racer in range(_RACERS)]
    with ThreadPoolExecutor(_RACERS) as threads:
        succeeded = threads.map(lambda data: _succeeds(lambda: write(data), refusal), contents)
        return [data for data, won in zip(contents, succeeded, strict=True) if won]
