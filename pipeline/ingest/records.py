"""The records of a JSON file, in order, whatever the file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pipeline.ingest.blocks import BlockReader
from pipeline.ingest.regular import read_elements, read_lines
from pipeline.ingest.scanner import scan_records
from pipeline.ingest.values import Corrupt, RawNumber, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Corrupt", "RawNumber", "Record", "read_json_records"]

_BLOCK_BYTES = 64 * 1024


def read_json_records(stream: BinaryIO, chunk_bytes: int = 4 * 1024 * 1024) -> Iterator[list[Record]]:
    """Yield a stream's records in the order of the file, in non-empty lists.

    A record is an element of an array, an object standing alone, or a stretch of text that cannot be parsed:
    nothing but the blanks, commas and brackets between records is lost. Arrays inside arrays are opened. Text
    is UTF-8; invalid bytes are replaced. No more than a list, a block and the longest record is in memory.

    Args:
        stream: Decompressed bytes.
        chunk_bytes: About how much text one list covers, more than 0.

    Raises:
        Exception: Reading failed; what could be read before was yielded, an incomplete record as its text.
    """
    reader = BlockReader(stream)
    block_bytes = min(chunk_bytes, _BLOCK_BYTES)
    records: list[Record] = []
    rest = b""
    covered = 0
    while not reader.ended:
        # A record longer than a block is tried again each time twice as much of it is there.
        block = reader.read(max(block_bytes, len(rest)))
        covered += len(block)
        found, rest = _settled(rest + block, final=reader.ended)
        records += found
        if covered >= chunk_bytes and records:
            yield records
            records, covered = [], 0
    if records:
        yield records
    if reader.failure:
        raise reader.failure


def _settled(data: bytes, *, final: bool) -> tuple[list[Record], bytes]:
    """Return the records of bytes that begin outside of any record, and the bytes that more is needed for."""
    records: list[Record] = []
    lines_end = len(data) if final else data.rfind(b"\n") + 1
    objects = read_lines(data[:lines_end])
    if objects is not None:
        return [*objects], data[lines_end:]
    objects_end = data.rfind(b"}") + 1
    objects = read_elements(data[:objects_end])
    if objects is not None:
        records += objects
        data = data[objects_end:]
        if not final:
            return records, data
    # A line's and an object's end are ASCII, so no character is cut in two.
    end = len(data) if final else max(lines_end, objects_end)
    text = data[:end].decode("utf-8", "replace")
    scanned, settled = scan_records(text, final=final)
    return records + scanned, text[settled:].encode() + data[end:]
