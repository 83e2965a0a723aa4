"""The lines of a text, whichever way they end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.records.encoding import holds_kept_bytes, shown
from pipeline.records.long_record import SHOWN_BYTES, shortened, whole_characters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.records.blocks import BlockReader
    from pipeline.records.values import Record

_BLOCK_BYTES = 1024 * 1024
_LINE_END = re.compile(rb"\r\n?|\n")
_LONGEST_END = 2
_RECORDS_IN_A_LIST = 4_000
_BLOCKS_IN_A_LIST = 4


def in_lists(records: Iterable[Record], lines: Lines) -> Iterator[list[Record]]:
    """Yield records in lists, each of at most so many records and a few blocks of text."""
    found: list[Record] = []
    first = lines.block
    for record in records:
        found.append(record)
        if len(found) >= _RECORDS_IN_A_LIST or lines.block - first >= _BLOCKS_IN_A_LIST:
            yield found
            found, first = [], lines.block
    if found:
        yield found


class LongLine(str):
    """What stands for a line that is too long to be collected: its beginning and its length."""

    __slots__ = ()


class Lines:
    """A stream's lines with their ends (LF, CRLF or CR), some of which can be put back.

    Attributes:
        most: The longest line, in bytes without its end, that is collected.
        block: The number of the block that the newest line is from.

    Args:
        reader: What is read.
        most: See above.
        block_bytes: How much is read at once.
    """

    def __init__(self, reader: BlockReader, most: int, block_bytes: int = _BLOCK_BYTES) -> None:
        self.block = 0
        self._reader = reader
        self.most = most
        self._lines = self._decoded(block_bytes)
        self._again: list[str] = []
        self._hold_bytes = False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        return self._again.pop() if self._again else next(self._lines)

    def put_back(self, lines: list[str]) -> None:
        """Return these lines next, in this order."""
        self._again += reversed(lines)

    def hold_bytes(self, line: str, further: list[str]) -> bool:
        """Return whether a line, or one of the lines behind it, holds bytes that are not characters."""
        return self._hold_bytes and any(map(holds_kept_bytes, (line, *further)))

    def _decoded(self, block_bytes: int) -> Iterator[str]:
        rest = b""
        longest = self.most + _LONGEST_END
        while not self._reader.ended:
            self.block += 1
            size = max(1, min(max(block_bytes, len(rest)), longest - len(rest)))
            lines = (rest + self._reader.read(size)).splitlines(keepends=True)
            # A line that ends with CR may end with CRLF.
            is_open = lines and not (self._reader.ended or lines[-1].endswith(b"\n"))
            rest = lines.pop() if is_open else b""
            for line in lines:
                if len(line) > self.most and len(line.rstrip(b"\r\n")) > self.most:
                    yield self._shortened(line, len(line.rstrip(b"\r\n")))
                    continue
                try:
                    yield line.decode()
                except UnicodeDecodeError:
                    self._hold_bytes = True
                    yield self._reader.text(line)
            if len(rest) >= longest:
                yield self._long_line(rest)
                rest = b""

    def _long_line(self, line: bytes) -> LongLine:
        """Return what stands for the line that these bytes begin, after its end was passed."""
        head, length = line[:SHOWN_BYTES], len(line)
        carriage_return = line[-1:] if line.endswith(b"\r") else b""
        while True:
            piece = carriage_return + self._reader.read(_BLOCK_BYTES)
            length -= len(carriage_return)
            match = _LINE_END.search(piece)
            # A CR at the end of a piece may be the first half of a CRLF.
            if match is not None and (match.end() < len(piece) or self._reader.ended or match[0] != b"\r"):
                self._reader.put_back(piece[match.end() :])
                return self._shortened(head, length + match.start())
            length += len(piece)
            if self._reader.ended:
                return self._shortened(head, length)
            carriage_return = b"\r" if match is not None else b""

    def _shortened(self, head: bytes, length: int) -> LongLine:
        beginning = shown(self._reader.text(whole_characters(head[:SHOWN_BYTES])))
        return LongLine(shortened(beginning, length, self.most))
