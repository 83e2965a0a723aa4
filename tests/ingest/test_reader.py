"""What a file is and why it cannot be read to its end; asked where a batch was committed and the outcome was lost."""

from __future__ import annotations

import gzip
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from pipeline.declare.files_source import FilesSource
from pipeline.ingest.reader import FileOutcome, Plan, read_pieces, read_through

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = FilesSource("landing")
WHOLE = gzip.compress(b'[{"a": 1}]', mtime=0)


def plan_for(folder: Path) -> Plan:
    return Plan(SOURCE, (), folder=str(folder))


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("whole.json", b'[{"a": 1}]', None),
        ("broken.json", b'[{"a": ', None),
        ("whole.json.gz", WHOLE, None),
        ("cut.json.gz", WHOLE[:-9], "EOFError: Compressed file ended before the end-of-stream marker was reached"),
        ("not.json.gz", b"no gzip", "BadGzipFile: Not a gzipped file (b'no')"),
        ("plain.json.gz", b'[{"a": 1}]', None),
        ("whole.json", WHOLE, None),
        ("cut.json", WHOLE[:-9], "EOFError: Compressed file ended before the end-of-stream marker was reached"),
        ("damaged.json.gz", WHOLE[:-8] + bytes(8), "BadGzipFile: CRC check failed 0x0 != 0x"),
    ],
    ids=["json", "broken", "gzip", "cut-gzip", "no-gzip", "plain", "gzip-by-content", "cut-by-content", "damaged-gzip"],
)
def test_read_error_of_a_file_says_why_it_has_no_end(
    tmp_path: Path, name: str, content: bytes, error: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = read_through(FileOutcome(str(tmp_path / name), rows=7), plan_for(tmp_path))
    assert outcome.rows == 7
    assert outcome.error is None if error is None else str(outcome.error).startswith(error)
    assert outcome.sha256 == (hashlib.sha256(content).hexdigest() if error is None else None)


def test_read_error_of_a_folder_and_of_no_file_tells_what_is_there(tmp_path: Path) -> None:
    assert read_through(FileOutcome(str(tmp_path)), plan_for(tmp_path)).error == "IsADirectoryError: Is a directory"
    gone = FileOutcome(str(tmp_path / "gone.json"))
    assert read_through(gone, plan_for(tmp_path)).error == "FileNotFoundError: No such file or directory"


@pytest.mark.parametrize(("name", "content"), [("a.json", b'{"a": 1}\n' * 9), ("a.json.gz", WHOLE), ("b.json", b"")])
def test_file_that_was_read_has_the_digest_of_its_bytes_on_disk(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = FileOutcome(str(tmp_path / name))
    pieces = read_pieces(outcome.path, Plan(FilesSource("landing"), ()), outcome)
    assert outcome.sha256 is None
    assert all(len(piece) for piece in pieces)
    assert outcome.sha256 == hashlib.sha256(content).hexdigest()


def error_of(path: str) -> str | None:
    outcome = FileOutcome(path)
    assert list(read_pieces(path, Plan(SOURCE, ()), outcome)) == []
    return outcome.error


def test_anything_but_a_readable_file_is_an_error_of_its_own_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "odd.json").symlink_to("nowhere")
    odd_name = os.fsencode(tmp_path) + b"/\xff.json"
    assert error_of(str(tmp_path / "pipe.json")) == "OSError: neither a file nor a folder"
    assert error_of(str(tmp_path)) == "IsADirectoryError: Is a directory"
    assert error_of(str(tmp_path / "loop.json")) == "OSError: Too many levels of symbolic links"
    assert error_of(str(tmp_path / "odd.json")) == "FileNotFoundError: No such file or directory"
    assert error_of(os.fsdecode(odd_name)) == "OSError: the name is not UTF-8; rename the file"


def test_link_is_read_if_it_leads_to_a_file_below_the_landing_folder(tmp_path: Path) -> None:
    landing, elsewhere = tmp_path / "landing", tmp_path / "landing elsewhere"
    for folder in (landing / "day", elsewhere):
        folder.mkdir(parents=True)
        (folder / "a.json").write_bytes(b'{"a": 1}')
    (landing / "inside.json").symlink_to("day/a.json")
    (landing / "outside.json").symlink_to(elsewhere / "a.json")
    (landing / "through.json").symlink_to("outside.json")
    (tmp_path / "linked").symlink_to(landing)
    for folder in (landing, tmp_path / "linked"):
        outcomes = [
            read_through(FileOutcome(f"{folder}/{name}.json"), plan_for(folder))
            for name in ("inside", "outside", "through")
        ]
        refused = f"OSError: a link to {elsewhere}/a.json, which is not below the landing folder"
        assert [outcome.error for outcome in outcomes] == [None, refused, refused]
