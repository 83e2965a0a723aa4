from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.records.compression import decompressed, is_compressed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = b'{"a": 1}\n' * 3
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bz2": bz2.compress,
    "zstd": lambda content: bytes(pa.Codec("zstd").compress(content, asbytes=True)),
}


def content_of(path: Path) -> bytes:
    with path.open("rb") as file, decompressed(file, str(path)) as stream:
        return stream.read()


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_content_says_how_a_file_is_compressed_whatever_its_name(
    tmp_path: Path, compress: Callable[[bytes], bytes], ending: str
) -> None:
    path = written(tmp_path, f"a.json{ending}", compress(TEXT) + compress(TEXT))
    assert content_of(path) == TEXT * 2
    with path.open("rb") as file:
        assert is_compressed(file)
        assert file.read() == compress(TEXT) * 2
    assert content_of(written(tmp_path, f"empty.json{ending}", compress(b""))) == b""


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("content", [TEXT, b"", b"a,b\n1,2", b"[", b'\n\n{"a"'])
def test_text_is_read_as_it_is_whatever_its_name(tmp_path: Path, content: bytes, ending: str) -> None:
    assert content_of(written(tmp_path, f"a.json{ending}", content)) == content


def test_zstd_frames_that_hold_something_else_are_skipped(tmp_path: Path) -> None:
    other = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert content_of(written(tmp_path, "a.json", other + COMPRESSIONS["zstd"](TEXT))) == TEXT


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_stream_that_is_cut_short_or_damaged_fails(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    whole = compress(TEXT)
    for content in (whole[:-3], whole + b"and more"):
        with pytest.raises((OSError, EOFError)):
            content_of(written(tmp_path, "a.json", content))


@pytest.mark.parametrize("content", [b"no gzip", b"PK\x03\x04 \x00\x00", b"\x00\n"])
def test_neither_gzip_nor_text_behind_gz_fails(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(gzip.BadGzipFile):
        content_of(written(tmp_path, "a.json.gz", content))
