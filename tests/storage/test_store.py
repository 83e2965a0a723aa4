"""What every store promises, over a folder and over a real object store."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pipeline.storage.store import ChangedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.storage.store import Store

RACERS = 16


def winners(write: Callable[[bytes], str], refusal: type[Exception]) -> list[bytes]:
    """Return what those of sixteen at once wrote who succeeded; the others got the refusal."""

    def one(racer: int) -> bytes | None:
        data = f"{racer} {uuid.uuid4()}".encode()
        try:
            write(data)
        except refusal:
            return None
        return data

    with ThreadPoolExecutor(RACERS) as threads:
        return [data for data in threads.map(one, range(RACERS)) if data is not None]


def names(store: Store, prefix: str = "", after: str = "") -> list[str]:
    return [entry.name for entry in store.list(prefix, after)]


def test_created_file_is_read_as_it_was_written(store: Store) -> None:
    etag = store.create("state/note.json", b"\x00first")
    found = store.read("state/note.json")
    assert (found.data, found.etag) == (b"\x00first", etag)


def test_created_file_is_never_created_again(store: Store) -> None:
    store.create("v1.json", b"first")
    with pytest.raises(FileExistsError):
        store.create("v1.json", b"second")
    assert store.read("v1.json").data == b"first"


def test_of_sixteen_creators_at_once_one_succeeds(store: Store) -> None:
    for number in range(5):
        won = winners(partial(store.create, f"{number}"), FileExistsError)
        assert [store.read(f"{number}").data] == won


def test_missing_file_cannot_be_read(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("none")
    with pytest.raises(FileNotFoundError), store.open_reader("none"):
        pass


def test_replaced_file_has_the_new_content_and_another_etag(store: Store) -> None:
    first = store.create("lease", b"1")
    second = store.replace("lease", b"2", first)
    found = store.read("lease")
    assert (found.data, found.etag) == (b"2", second)
    assert first != second


def test_file_that_has_changed_is_neither_replaced_nor_deleted(store: Store) -> None:
    first = store.create("lease", b"1")
    store.replace("lease", b"2", first)
    with pytest.raises(ChangedError):
        store.replace("lease", b"3", first)
    with pytest.raises(ChangedError):
        store.delete("lease", if_same=first)
    assert store.read("lease").data == b"2"


def test_file_that_is_gone_is_not_replaced_and_is_deleted_already(store: Store) -> None:
    first = store.create("lease", b"1")
    store.delete("lease")
    with pytest.raises(ChangedError):
        store.replace("lease", b"2", first)
    store.delete("lease", if_same=first)
    assert names(store) == []


def test_of_sixteen_replacers_at_once_one_succeeds(store: Store) -> None:
    etag = store.create("lease", b"start")
    for _ in range(5):
        won = winners(partial(store.replace, "lease", if_same=etag), ChangedError)
        found = store.read("lease")
        assert [found.data] == won
        assert found.etag != etag
        etag = found.etag


def test_etag_of_quick_replacements_of_the_same_length_is_never_the_former_one(store: Store) -> None:
    etags = [store.create("lease", b"00")]
    for number in range(1, 30):
        etags.append(store.replace("lease", b"%02d" % number, etags[-1]))
    assert len(set(etags)) == len(etags)


def test_deleted_file_is_gone_and_it_can_be_deleted_again(store: Store) -> None:
    etag = store.create("a/b", b"1")
    store.delete("a/b", if_same=etag)
    store.delete("a/b")
    store.delete("never/there")
    assert names(store) == []


def test_listing_has_every_file_in_the_order_of_the_bytes_of_its_name(store: Store) -> None:
    given = ["a/2", "a/10", "a/b/c", "a.b", "a b", "A", "é", "z", "b%20c", "ab/1"]
    etags = {name: store.create(name, name.encode()) for name in given}
    assert [(e.name, e.size, e.etag) for e in store.list()] == [
        (name, len(name.encode()), etags[name]) for name in sorted(given, key=str.encode)
    ]


def test_listing_of_a_folder_begins_after_a_name_and_leaves_other_folders_out(store: Store) -> None:
    for name in ["a/1", "a/2", "a/3/x", "a1/1", "b"]:
        store.create(name, b"")
    assert names(store, "a") == ["a/1", "a/2", "a/3/x"]
    assert names(store, "a", after="a/1") == ["a/2", "a/3/x"]
    assert names(store, after="a/3") == ["a/3/x", "a1/1", "b"]
    assert names(store, "none") == []


def test_file_is_listed_as_soon_as_it_is_written(store: Store) -> None:
    for number in range(20):
        store.create(f"log/{number:02}", b"")
        assert names(store, "log")[-1] == f"log/{number:02}"


def test_written_file_appears_whole_when_its_block_ends(store: Store) -> None:
    parts = [bytes([number]) * (3 << 20) for number in range(7)]
    with store.open_writer("data/part.parquet") as file:
        for part in parts:
            file.write(part)
        assert file.tell() == 21 << 20
        assert names(store) == []
    with store.open_reader("data/part.parquet") as file:
        assert file.read() == b"".join(parts)
    assert names(store) == ["data/part.parquet"]


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_file_whose_block_fails_does_not_appear(store: Store, size: int) -> None:
    with pytest.raises(ZeroDivisionError), store.open_writer("part") as file:
        file.write(bytes(size))
        raise ZeroDivisionError
    assert names(store) == []


def test_reader_reads_what_was_listed_or_refuses(store: Store) -> None:
    first = store.create("landing/1.json", b"[1]\n[2]\n")
    with store.open_reader("landing/1.json", if_same=first) as file:
        assert list(file) == [b"[1]\n", b"[2]\n"]
    store.replace("landing/1.json", b"[3]", first)
    with pytest.raises(ChangedError), store.open_reader("landing/1.json", if_same=first):
        pass


@pytest.mark.parametrize("name", ["", "/a", "a//b", "a/", "../a", "a/./b", "a\nb", "a\\b", "x" * 256])
def test_name_that_no_store_gives_back_is_refused(store: Store, name: str) -> None:
    for refused in (lambda: store.create(name, b""), lambda: store.read(name), lambda: store.delete(name)):
        with pytest.raises(ValueError, match="cannot name a file"):
            refused()
    assert names(store) == []
