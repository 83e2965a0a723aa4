"""The records of a JSON file, in order, whatever the file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pipeline.ingest.blocks import BlockReader
from pipeline.ingest.regular import read_elements, read_lines
from pipeline.ingest.scanner import scan_records
from pipeline.ingest.typed_lines import read_typed_lines
from pipeline.ingest.values import Corrupt, RawNumber, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.ingest.columns import Column

__all__ = ["Corrupt", "RawNumber", "Record", "read_json_records", "read_json_rows"]

_BLOCK_BYTES = 64 * 1024
# Below that it takes Arrow longer to begin than it takes others to read.
_LEAST_TYPED_BYTES = 64 * 1024
_MOST_SKIPPED = 16


def read_json_records(stream: BinaryIO, chunk_bytes: int = 512 * 1024) -> Iterator[list[Record]]:
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
    while not reader.ended:
        records = _stretch(reader, chunk_bytes)
        if records:
            yield records
    if reader.failure:
        raise reader.failure


def read_json_rows(
    stream: BinaryIO, columns: tuple[Column, ...], block_bytes: int = 1024 * 1024
) -> Iterator[list[Record] | pa.RecordBatch]:
    """Yield a stream's records in the order of the file: as rows where those of a block all fit columns, else in lists.

    Args:
        stream: Decompressed bytes.
        columns: What a record may have, each value as its column has it.
        block_bytes: About how much text is read at once.

    Raises:
        Exception: As with `read_json_records`.
    """
    reader = BlockReader(stream)
    misses = to_skip = 0
    while not reader.ended:
        if not to_skip:
            rows = _typed(reader, columns, block_bytes)
            if rows is not None:
                misses = 0
                yield rows
                continue
            # Where records do not fit, to try each block would be in vain and cost a third more.
            misses += 1
            to_skip = min(2**misses, _MOST_SKIPPED)
        to_skip -= 1
        records = _stretch(reader, block_bytes)
        if records:
            yield records
    if reader.failure:
        raise reader.failure


def _typed(reader: BlockReader, columns: tuple[Column, ...], block_bytes: int) -> pa.RecordBatch | None:
    """Return the rows of the next lines, or None and leave them to be read."""
    block = reader.read(block_bytes)
    end = len(block) if reader.ended else block.rfind(b"\n") + 1
    rows = read_typed_lines(block[:end], columns) if end >= _LEAST_TYPED_BYTES else None
    reader.put_back(block if rows is None else block[end:])
    return rows


def _stretch(reader: BlockReader, least_bytes: int) -> list[Record]:
    """Return the records of so many bytes and more, to an end outside of any record."""
    records: list[Record] = []
    rest = b""
    covered = 0
    while not reader.ended and (covered < least_bytes or not records):
        # A record longer than a block is tried again each time twice as much of it is there.
        block = reader.read(max(min(least_bytes, _BLOCK_BYTES), len(rest)))
        covered += len(block)
        found, rest = _settled(rest + block, final=reader.ended)
        records += found
    reader.put_back(rest)
    return records


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
