"""The text of a file as UTF-8, block by block, as far as it can be read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO

from pipeline.records.encoding import UTF_8, WrongEncodingError, decoder_of, encoding_of

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK_BYTES = 64 * 1024
_READ_ERRORS = (OSError, EOFError, ValueError, zlib.error)


class BlockReader:
    """Reads a stream block by block and keeps what came before a failure; no byte order mark at the beginning."""

    def __init__(self, stream: BinaryIO, encoding: str | None = None) -> None:
        # read(n) of a buffered stream that fails half-way drops what it had; read1 hands over piece by piece.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._encoding = encoding
        self._decode: Callable[[bytes, bool], str] | None = None
        self._begun = False
        self._ended = False
        # Bytes to be read again, and how many of them have been.
        self._again, self._at = b"", 0
        self.failure: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to read."""
        return self._ended and self._at == len(self._again)

    def text(self, block: bytes) -> str:
        """Return a block as text; bytes that are not characters are kept, see `records.encoding`."""
        return block.decode(UTF_8, self._errors)

    def bytes_of(self, text: str) -> bytes:
        """Return the bytes that a text was decoded from."""
        return text.encode(UTF_8, self._errors)

    def put_back(self, block: bytes) -> None:
        """Put bytes back, to be returned by the next read."""
        start = self._at - len(block)
        if start >= 0 and self._again[start : self._at] == block:
            self._at = start
        else:
            self._again, self._at = block + self._again[self._at :], 0

    def read(self, size: int) -> bytes:
        """Return this many bytes of UTF-8, or fewer if the stream ended or failed."""
        if not self._begun:
            self._begin()
        again = self._again[self._at : self._at + size]
        self._at += len(again)
        block = b"".join([again, *self._pieces(size - len(again))])
        if len(block) > size:
            self.put_back(block[size:])
        return block[:size]

    def _begin(self) -> None:
        self._begun = True
        head = b"".join(self._pieces(_BLOCK_BYTES))
        try:
            encoding, mark_length = encoding_of(head, self._encoding)
        except WrongEncodingError as error:
            self.failure = self.failure or error
            self._ended = True
            return
        self._again = head[mark_length:]
        if encoding != UTF_8:
            self._decode = decoder_of(encoding)
            self._again = self._as_utf_8(self._again)

    def _pieces(self, size: int) -> list[bytes]:
        pieces = []
        try:
            while size > 0 and not self._ended:
                piece = self._read(min(size, _BLOCK_BYTES))
                self._ended = not piece
                pieces.append(self._as_utf_8(piece))
                size -= len(pieces[-1])
        except _READ_ERRORS as error:
            self.failure = error
            self._ended = True
            pieces.append(self._as_utf_8(b""))
        return pieces

    def _as_utf_8(self, piece: bytes) -> bytes:
        return piece if self._decode is None else self._decode(piece, self._ended).encode(UTF_8, "surrogatepass")

    @property
    def _errors(self) -> str:
        return "surrogateescape" if self._decode is None else "surrogatepass"
