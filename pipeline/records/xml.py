"""XML files as they must be for Spark's reader, which passes over what is missing at their end."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

if TYPE_CHECKING:
    from typing import BinaryIO

_PIECE_BYTES = 64 * 1024


def check_xml(stream: BinaryIO, row_tag: str, most: int) -> None:
    """Check that a stream is whole XML and that none of its records is too long.

    Args:
        stream: Decompressed bytes.
        row_tag: The name of the elements that are records.
        most: The most bytes that a record may have.

    Raises:
        OSError: It is not, or cannot be read.
        Exception: What decompressing raises.
    """
    parser = _Parser(row_tag, most)
    try:
        while piece := stream.read(_PIECE_BYTES):
            parser.go_on(piece)
        parser.end()
    except (expat.ExpatError, LookupError) as error:
        raise OSError(errno.EINVAL, f"the XML is not well-formed: {error}") from None


class _Parser:
    """Goes through XML, and counts the bytes of each record, also of one that has not ended."""

    def __init__(self, row_tag: str, most: int) -> None:
        self._row_tag, self._most = row_tag, most
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._given = self._levels = self._begun = 0

    def go_on(self, piece: bytes) -> None:
        """Go through the next bytes."""
        self._parser.Parse(piece)
        self._given += len(piece)
        # What is not in a record yet may be one whose first tag has no end.
        begun = self._begun if self._levels else self._parser.CurrentByteIndex
        self._check(self._given - begun)

    def end(self) -> None:
        """Say that nothing follows; a stream without a byte is an empty file."""
        if self._given:
            self._parser.Parse(b"", True)

    def _start(self, name: str, _attributes: Any) -> None:
        if name == self._row_tag:
            if not self._levels:
                self._begun = self._parser.CurrentByteIndex
            self._levels += 1

    def _end(self, name: str) -> None:
        if name == self._row_tag:
            self._levels -= 1
            if not self._levels:
                self._check(self._parser.CurrentByteIndex - self._begun)

    def _check(self, length: int) -> None:
        if length > self._most:
            problem = f"an element <{self._row_tag}> is longer than max_record_bytes ({self._most})"
            raise OSError(errno.EFBIG, problem)
