from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.durable_file import create_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_replaced_file_has_the_new_content_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "a folder" / "note.json"

    replace_file(file, "old")
    replace_file(file, b"new")

    assert file.read_text() == "new"
    assert names(file.parent) == ["note.json"]


def test_replacement_that_fails_leaves_the_old_content_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "note.json").mkdir()

    with pytest.raises(OSError, match=r"note\.json"):
        replace_file(tmp_path / "note.json", "new")

    assert names(tmp_path) == ["note.json"]


def test_created_file_is_never_replaced(tmp_path: Path) -> None:
    create_file(tmp_path / "v1.json", "first")

    with pytest.raises(FileExistsError):
        create_file(tmp_path / "v1.json", "second")

    assert (tmp_path / "v1.json").read_text() == "first"
    assert names(tmp_path) == ["v1.json"]


def test_of_many_creators_at_once_one_succeeds(tmp_path: Path) -> None:
    def create(number: int) -> int | None:
        try:
            create_file(tmp_path / "v1.json", str(number))
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(16) as threads:
        winners = [number for number in threads.map(create, range(64)) if number is not None]

    assert [(tmp_path / "v1.json").read_text()] == list(map(str, winners))


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_content_and_name_are_synced_before_the_file_counts_as_written(
    write: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)

    write(tmp_path / "note.json", "text")

    assert synced == ["file", "folder"]


def test_private_file_is_its_owners_alone_and_so_are_new_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    replace_file(path, "old")
    replace_file(path, "new", private=True)
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path.parent, path.parent.parent)] == [
        "0o600", "0o700", "0o700"
    ]  # fmt: skip
