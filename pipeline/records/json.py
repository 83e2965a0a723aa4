"""The records of a JSON file, in order, whatever the file holds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from pipeline.records.blocks import BlockReader
from pipeline.records.json_exact import take_exactly
from pipeline.records.json_long import begins_with_many_values, take_long
from pipeline.records.json_regular import take_elements, take_lines
from pipeline.records.json_typed import TypedLines
from pipeline.records.options import AS_USUAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from pipeline.records.columns import Column
    from pipeline.records.options import TextOptions
    from pipeline.records.values import Piece, Record

_BLOCK_BYTES = 64 * 1024
_GROWTH = 4
# The values of a record that is not longer take little memory, whatever they are.
_LARGE_BLOCK_BYTES = 1024 * 1024


def read_json(
    stream: BinaryIO,
    columns: tuple[Column, ...] = (),
    options: TextOptions = AS_USUAL,
    piece_bytes: int = 1024 * 1024,
    least_typed_bytes: int = 64 * 1024,
) -> Iterator[Piece]:
    """Yield a stream's records in the order of the file: as rows where those of a block all fit columns, else in lists.

    A record is an element of an array, an object standing alone, or a stretch of text that cannot be parsed:
    nothing but the blanks, commas and brackets between records is lost. Arrays inside arrays are opened. A record
    with bytes that are not characters is corrupt. So is one that is longer than `max_record_bytes` or has more than a
    million values: its beginning and its length stand for it. No more than a list, a block and the longest such record
    is in memory.

    Args:
        stream: Decompressed bytes.
        columns: What a record may have to be read as a row; none are without columns.
        options: How the text is encoded.
        piece_bytes: About how much text one list or batch of rows covers, more than 0.
        least_typed_bytes: The least text that is read as rows: below that Arrow takes longer to start than others read.

    Raises:
        Exception: Reading failed; what could be read before was yielded, an incomplete record as its text.
    """
    blocks = BlockReader(stream, options.encoding)
    # A block that is no longer than the longest record cannot hold a longer one.
    piece_bytes = min(piece_bytes, options.max_record_bytes)
    typed = TypedLines(columns, least_typed_bytes)
    numbers = frozenset(column.name for column in columns if column.type == "double")
    while not blocks.ended:
        block = blocks.read(piece_bytes)
        taken = typed.take(block, blocks.ended)
        blocks.put_back(block if taken is None else taken.rest)
        records = _list_of(blocks, piece_bytes, numbers, options.max_record_bytes) if taken is None else taken.records
        if len(records):
            yield records
    if blocks.failure:
        raise blocks.failure


def _list_of(blocks: BlockReader, least_bytes: int, numbers: AbstractSet[str], most: int) -> list[Record]:
    """Return the records of at least this many bytes, up to an end outside of any record.

    Numbers keep the digits they were sent with, but for those of some keys.
    """
    records: list[Record] = []
    # In this order, from the quickest. Each takes records from the beginning of a block and leaves the rest, or
    # refuses the block; the last one refuses none, but may need more of it before it takes anything.
    readers = (take_lines, take_elements, partial(take_exactly, blocks, most))
    covered = 0
    size = smallest = min(least_bytes, _BLOCK_BYTES)
    while not blocks.ended and (covered < least_bytes or not records):
        block = blocks.read(size)
        if len(block) > _LARGE_BLOCK_BYTES and begins_with_many_values(block):
            blocks.put_back(block)
            records.append(take_long(blocks, most, keeps=False))
            size = smallest
            continue
        attempts = (reader(block, blocks.ended, numbers) for reader in readers)
        found, rest = next(taken for taken in attempts if taken is not None)
        records += found
        blocks.put_back(rest)
        covered += len(block)
        if len(rest) < len(block) or not rest:
            size = smallest
        elif len(block) < most:
            # A record longer than a block is tried again with more text each time.
            size = min(_GROWTH * len(block), most)
        else:
            records.append(take_long(blocks, most))
            size = smallest
    return records
