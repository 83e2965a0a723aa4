"""Why a file cannot be read to its end; asked where a batch was committed and its files' outcome was lost."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from pipeline.ingest.reader import read_error

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = gzip.compress(b'[{"a": 1}]', mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("whole.json", b'[{"a": 1}]', None),
        ("broken.json", b'[{"a": ', None),
        ("whole.json.gz", WHOLE, None),
        ("cut.json.gz", WHOLE[:-9], "EOFError: Compressed file ended before the end-of-stream marker was reached"),
        ("not.json.gz", b'[{"a": 1}]', "BadGzipFile: Not a gzipped file (b'[{')"),
        ("damaged.json.gz", WHOLE[:-8] + bytes(8), "BadGzipFile: CRC check failed 0x0 != 0x"),
    ],
    ids=["json", "broken-json", "gzip", "cut-gzip", "not-gzip", "damaged-gzip"],
)
def test_read_error_of_a_file_tells_why_it_has_no_end(
    tmp_path: Path, name: str, content: bytes, error: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    told = read_error(str(tmp_path / name))
    assert told is None if error is None else str(told).startswith(error)


def test_read_error_of_a_folder_and_of_no_file_tells_what_is_there(tmp_path: Path) -> None:
    assert read_error(str(tmp_path)) == "IsADirectoryError: Is a directory"
    assert read_error(str(tmp_path / "gone.json")) == "FileNotFoundError: No such file or directory"
