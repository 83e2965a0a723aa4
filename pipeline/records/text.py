"""Text files: each line is a record, whichever way it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pipeline.records.blocks import BlockReader
from pipeline.records.columns import Column
from pipeline.records.lines import Lines, LongLine, in_lists
from pipeline.records.long_record import corrupt
from pipeline.records.options import AS_USUAL, TextOptions
from pipeline.records.values import Corrupt, Record

if TYPE_CHECKING:
    from collections.abc import Iterator


# The column that a line is in.
VALUE = Column("value", "string")


def read_text(
    stream: BinaryIO, _columns: tuple[Column, ...] = (), options: TextOptions = AS_USUAL
) -> Iterator[list[Record]]:
    """Yield a stream's lines, blank ones too; they end with LF, CRLF or CR.

    A line with bytes that are not characters is corrupt, and so is one that is longer than `max_record_bytes`.

    Raises:
        Exception: Reading failed; the lines before were yielded.
    """
    reader = BlockReader(stream, options.encoding)
    lines = Lines(reader, options.max_record_bytes)
    yield from in_lists((_record(line, lines) for line in lines), lines)
    if reader.failure:
        raise reader.failure


def _record(line: str, lines: Lines) -> Record:
    if isinstance(line, LongLine):
        return Corrupt(line)
    text = line.removesuffix("\n").removesuffix("\r")
    return corrupt(text, lines.most) if lines.hold_bytes(text, []) else {VALUE.name: text}
