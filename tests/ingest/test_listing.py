"""Which files a source takes, and what it says of the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.listing import folder_times, ignored_paths, listed_paths

if TYPE_CHECKING:
    from pathlib import Path

ENDING = "its name does not end in .json, alone or with .gz, .bz2, .zst"
SUB_FOLDER = "it is in a sub-folder, and recursive_file_lookup is off"
OTHER_FOLDER = "it is in a folder of no partition column, and recursive_file_lookup is off"


def source(**options: Any) -> FilesSource:
    return FilesSource.declared(path="orders", format="json", schema_hints="", **options)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A landing folder with everything that may be in one."""
    for name in (
        "a.json", "b.json.gz", "notes.txt", "c.json.tmp", ".hidden.json", "_partial.json", "folder.json/inner.json",
        "day/d.json", "day/deeper/e.json", "day/notes.txt", ".hidden/f.json", "date=1/g.json", "date=1/h.txt",
        "date=1/site=x/i.json", "date=1/other/j.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.json").symlink_to("day/d.json")
    (tmp_path / "broken.json").symlink_to("nowhere")
    (tmp_path / "link").symlink_to("day")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.json")
    return tmp_path


HERE = {"a.json", "b.json.gz", "link.json", "broken.json", "pipe.json"}


def names(folder: Path, paths: Any) -> set[str]:
    return {path.removeprefix(f"{folder}/") for path in paths}


def reasons(folder: Path, **options: Any) -> dict[str, str]:
    return {path.removeprefix(f"{folder}/"): why for path, why in ignored_paths(folder, source(**options)).items()}


def test_source_takes_names_with_its_endings_in_its_own_folder(landing: Path) -> None:
    assert names(landing, listed_paths(landing, source())) == HERE | {"folder.json"}
    assert reasons(landing) == {
        **dict.fromkeys(["notes.txt", "c.json.tmp", "link", "pipe"], ENDING),
        **dict.fromkeys(["day/d.json", "day/deeper/e.json", "day/notes.txt", "date=1/g.json"], SUB_FOLDER),
        **dict.fromkeys(["date=1/h.txt", "date=1/site=x/i.json", "date=1/other/j.json"], SUB_FOLDER),
    }


def test_glob_takes_the_place_of_the_endings(landing: Path) -> None:
    found = names(landing, listed_paths(landing, source(path_glob_filter="[a-c]*.{json,tmp}")))
    assert found == {"a.json", "c.json.tmp", "broken.json"}
    found_reasons = reasons(landing, path_glob_filter="[a-c]*.{json,tmp}")
    assert found_reasons["b.json.gz"] == "its name does not match path_glob_filter `[a-c]*.{json,tmp}`"
    assert found_reasons["folder.json/inner.json"] == SUB_FOLDER


def test_glob_of_every_name_takes_neither_folders_nor_hidden_files(landing: Path) -> None:
    found = names(landing, listed_paths(landing, source(path_glob_filter="*")))
    assert found == HERE | {"notes.txt", "c.json.tmp", "link", "pipe"}


def test_recursive_source_takes_files_at_any_depth_and_follows_no_links(landing: Path) -> None:
    nested = {"folder.json/inner.json", "day/d.json", "day/deeper/e.json", "date=1/g.json", "date=1/site=x/i.json"}
    found = names(landing, listed_paths(landing, source(recursive_file_lookup=True)))
    assert found == HERE | nested | {"date=1/other/j.json"}
    others = ["notes.txt", "c.json.tmp", "day/notes.txt", "date=1/h.txt", "link", "pipe"]
    assert reasons(landing, recursive_file_lookup=True) == dict.fromkeys(others, ENDING)


def test_partition_columns_open_the_folders_that_name_them(landing: Path) -> None:
    found = names(landing, listed_paths(landing, source(partition_columns=["date", "site"])))
    assert found == HERE | {"folder.json", "date=1/g.json", "date=1/site=x/i.json"}
    found_reasons = reasons(landing, partition_columns=["date", "site"])
    assert found_reasons["date=1/other/j.json"] == found_reasons["day/d.json"] == OTHER_FOLDER
    assert found_reasons["date=1/h.txt"] == ENDING
    assert names(landing, listed_paths(landing, source(partition_columns="date"))) == HERE | {
        "folder.json", "date=1/g.json",
    }  # fmt: skip


def test_every_file_is_either_taken_or_ignored(landing: Path) -> None:
    for options in ({}, {"recursive_file_lookup": True}, {"partition_columns": "date"}, {"path_glob_filter": "*.gz"}):
        taken, ignored = set(listed_paths(landing, source(**options))), set(ignored_paths(landing, source(**options)))
        there = {str(path) for path in landing.rglob("*") if not path.is_dir() or path.is_symlink()}
        there = {path for path in there if not any(part[0] in "._" for part in names(landing, [path]).pop().split("/"))}
        assert not taken & ignored
        assert there == {path for path in taken | ignored if not path.startswith(f"{landing}/folder.json")} | {
            path for path in there if "/folder.json/" in path
        }


def test_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert (listed_paths(gone, source()), ignored_paths(gone, source()), folder_times(gone, source())) == ([], {}, [])


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="root opens every folder")
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_folder_that_cannot_be_read_is_ignored_with_the_reason(landing: Path, mode: int) -> None:
    (landing / "day").chmod(mode)
    for folder in (landing, *landing.parents):
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 1:
            folder.chmod(folder.stat().st_mode | 0o055)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        found = names(landing, listed_paths(landing, source(recursive_file_lookup=True)))
        ignored = reasons(landing, recursive_file_lookup=True)
        shallow = reasons(landing)
    finally:
        os.seteuid(user)
        (landing / "day").chmod(0o755)
    assert "a.json" in found
    assert not {name for name in [*found, *ignored] if name.startswith("day/")}
    assert ignored["day"] == shallow["day"] == "the folder cannot be read: Permission denied"


def test_times_of_folders_change_with_a_file_in_any_folder_that_is_looked_into(landing: Path) -> None:
    deep, shallow = source(recursive_file_lookup=True), source()
    before = folder_times(landing, deep), folder_times(landing, shallow)
    os.utime(landing / "day" / "deeper", (1, 1))
    assert folder_times(landing, deep) != before[0]
    assert folder_times(landing, shallow) == before[1]
