"""What may be opened of what landed, also where somebody exchanges it meanwhile."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.ingest.digest import sha256_of
from pipeline.ingest.opening import open_landed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD, SECRET = b'{"device_id": "good"}', b'{"device_id": "secret"}'


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A landing folder, with a secret beside it."""
    (tmp_path / "secret.json").write_bytes(SECRET)
    (tmp_path / "landing" / "day").mkdir(parents=True)
    return tmp_path / "landing"


def opened(path: Path, folder: Path) -> bytes | str:
    """Return what is read, or why nothing is."""
    try:
        with open_landed(str(path), str(folder)) as file:
            return file.read()
    except OSError as error:
        return str(error.strerror)


def test_file_in_a_folder_and_link_to_it_are_read(landing: Path) -> None:
    (landing / "day" / "a.json").write_bytes(GOOD)
    (landing / "b.json").symlink_to("day/a.json")
    assert opened(landing / "day" / "a.json", landing) == opened(landing / "b.json", landing) == GOOD


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/proc/self/environ", "/dev/zero", "../secret.json", "/proc/self/fd"]
)
def test_link_to_a_file_of_the_machine_is_refused(landing: Path, target: str) -> None:
    (landing / "a.json").symlink_to(target)
    assert "not below the landing folder" in str(opened(landing / "a.json", landing))


def test_folder_that_became_a_link_is_refused(landing: Path) -> None:
    (landing / "day").rmdir()
    (landing / "day").symlink_to("..")
    assert "not below the landing folder" in str(opened(landing / "day" / "secret.json", landing))


def test_pipe_keeps_nobody_waiting_also_where_a_file_was_read_before(landing: Path) -> None:
    os.mkfifo(landing / "a.json")
    assert opened(landing / "a.json", landing) == "neither a file nor a folder"
    with pytest.raises(OSError, match="neither a file nor a folder"):
        sha256_of(str(landing / "a.json"), str(landing))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_device_is_refused(landing: Path) -> None:
    try:
        os.mknod(landing / "a.json", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this machine lets nobody make devices")
    assert opened(landing / "a.json", landing) == "neither a file nor a folder"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_hard_link_to_a_file_of_another_owner_is_refused(landing: Path) -> None:
    secret = landing.parent / "secret.json"
    os.link(secret, landing / "a.json")
    assert opened(landing / "a.json", landing) == SECRET
    os.chown(secret, 65534, 65534)
    assert "a hard link to a file of another owner (user 65534)" in str(opened(landing / "a.json", landing))
    os.chown(secret, 0, 0)
    os.chown(landing, 65534, 65534)
    assert "a hard link to a file of another owner (user 0)" in str(opened(landing / "a.json", landing))
    secret.unlink()
    assert opened(landing / "a.json", landing) == SECRET


def _link(path: Path) -> None:
    path.symlink_to(path.parents[1] / "secret.json")


class Exchange:
    """Puts something else in a file's place in the moment in which that file is opened, after it was looked at."""

    def __init__(self, path: Path, bait: Callable[[Path], None]) -> None:
        self._path, self._bait = path, bait
        self.is_done = False
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and not self.is_done and str(arguments[0]).endswith(self._path.name):
            self.is_done = True
            self._path.unlink()
            self._bait(self._path)


@pytest.mark.parametrize("bait", [_link, os.mkfifo], ids=["link", "pipe"])
def test_file_that_is_exchanged_while_it_is_opened_is_refused(landing: Path, bait: Callable[[Path], None]) -> None:
    path = landing / f"{bait.__name__}.json"
    path.write_bytes(GOOD)
    exchange = Exchange(path, bait)
    found = opened(path, landing)
    assert exchange.is_done
    expected = "not below the landing folder" if path.is_symlink() else "neither a file nor a folder"
    assert expected in str(found)
