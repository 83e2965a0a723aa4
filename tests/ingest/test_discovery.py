"""Finding files without Spark: what is written into lists, and what is never found twice."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ingest import discovery as discovery_module
from pipeline.ingest.discovery import Discovery
from pipeline.ingest.reader import FileOutcome, Plan, read_records
from pipeline.ingest.source import FilesSource
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def of(tmp_path: Path, **options: int) -> Discovery:
    return Discovery(tmp_path / "landing", FilesSource("landing", **options), tmp_path / "checkpoint")  # type: ignore[arg-type]


def lists(tmp_path: Path) -> list[list[str]]:
    files = sorted((tmp_path / "checkpoint" / "discovered").glob("*.json"))
    return [[path.rsplit("/", 1)[-1] for path in json.loads(file.read_text())["paths"]] for file in files]


def land(tmp_path: Path, name: str, size: int = 1, at: int = 0) -> None:
    (tmp_path / "landing").mkdir(exist_ok=True)
    file = tmp_path / "landing" / name
    file.write_bytes(b" " * size)
    os.utime(file, (at, at))


def commit(tmp_path: Path, batch: int) -> None:
    for kind in ("commits", "offsets"):
        (tmp_path / "checkpoint" / kind).mkdir(exist_ok=True)
        (tmp_path / "checkpoint" / kind / str(batch)).write_text(f'v1\n{{}}\n{{"logOffset":{batch}}}\n')


def test_new_files_go_into_lists_oldest_first_and_no_file_twice(tmp_path: Path) -> None:
    for name, at in (("b.json", 3), ("a.json", 9), ("c.json.gz", 1), (".d.json", 0), ("_e.json", 0), ("f.json.tmp", 0)):
        land(tmp_path, name, at=at)
    of(tmp_path, max_files_per_trigger=2).look(NOON)
    assert lists(tmp_path) == [["c.json.gz", "b.json"], ["a.json"]]
    land(tmp_path, "g.json", at=0)
    land(tmp_path, "a.json", at=5)
    of(tmp_path).look(NOON)
    of(tmp_path).look(NOON)
    assert lists(tmp_path) == [["c.json.gz", "b.json"], ["a.json"], ["g.json"]]


def test_lists_are_a_millisecond_apart_at_least_so_that_spark_takes_them_in_order(tmp_path: Path) -> None:
    for number in range(20):
        land(tmp_path, f"{number:02}.json", at=number)
        if number % 4 == 3:
            of(tmp_path, max_files_per_trigger=1).look(NOON - timedelta(hours=number))
    written = sorted((tmp_path / "checkpoint" / "discovered").glob("*.json"))
    modified = [file.stat().st_mtime_ns // 1_000_000 for file in written]
    assert len(modified) == 20
    assert modified == sorted(set(modified))


def test_old_lists_are_merged_once_their_batches_are_committed_and_their_files_stay_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery_module, "_LISTS_KEPT", 2)
    for number in range(6):
        land(tmp_path, f"{number}.json", at=number)
    of(tmp_path, max_files_per_trigger=1).look(NOON)
    commit(tmp_path, 4)
    of(tmp_path).look(NOON)
    assert len(lists(tmp_path)) == 6
    commit(tmp_path, 5)
    of(tmp_path).look(NOON)
    assert lists(tmp_path) == [["4.json"], ["5.json"]]
    land(tmp_path, "6.json")
    of(tmp_path).look(NOON)
    assert lists(tmp_path) == [["4.json"], ["5.json"], ["6.json"]]
    assert {path.rsplit("/", 1)[-1] for path in of(tmp_path).taken()} == {f"{number}.json" for number in range(7)}


def error_of(path: str) -> str | None:
    outcome = FileOutcome(path)
    assert list(read_records(path, Plan(FilesSource("landing"), ()), outcome)) == []
    return outcome.error


def test_what_is_no_readable_file_is_an_error_of_its_own_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "odd.json").symlink_to("nowhere")
    odd_name = os.fsencode(tmp_path) + b"/\xff.json"
    assert error_of(str(tmp_path / "pipe.json")) == "OSError: neither a file nor a folder"
    assert error_of(str(tmp_path)) == "IsADirectoryError: Is a directory"
    assert error_of(str(tmp_path / "loop.json")) == "OSError: Too many levels of symbolic links"
    assert error_of(str(tmp_path / "odd.json")) == "FileNotFoundError: No such file or directory"
    assert error_of(os.fsdecode(odd_name)) == "OSError: the name is not UTF-8; rename the file"
