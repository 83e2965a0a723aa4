"""Compressed files, known by their content rather than by their name."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import BufferedReader

# What the name of a compressed file may end in, behind the extension of its format; it says nothing about the content.
COMPRESSION_ENDINGS = (".gz", ".bz2", ".zst")
_BEGINNINGS: Mapping[str, re.Pattern[bytes]] = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    # A frame of data, or one before it that is skipped.
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
_LINES = re.compile(rb"(?=[{\[]|[^\r\n]*[\r\n])[^\x00-\x08\x0e-\x1f]*\Z")


def is_compressed(file: BufferedReader) -> bool:
    """Return whether a file that was just opened is compressed; its position stays."""
    return _compression_of(file) is not None


def decompressed(file: BufferedReader, path: str) -> BinaryIO:
    """Return the content of a file that was just opened: that of gzip, bz2 and zstd, or else the file itself.

    Reading raises an OSError, an EOFError or a zlib.error where the content is damaged or cut short. What is called
    `.gz` and is neither compressed nor lines of text counts as damaged.
    """
    compression = _compression_of(file)
    if compression is None and path.endswith(".gz") and not _LINES.match(file.peek()):
        compression = "gzip"
    if compression is None:
        return file
    if compression == "gzip":
        return cast("BinaryIO", gzip.open(file))
    return cast("BinaryIO", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), compression))


def _compression_of(file: BufferedReader) -> str | None:
    beginning = file.peek()
    return next((name for name, pattern in _BEGINNINGS.items() if pattern.match(beginning)), None)
