"""Bytes of a file, block by block, as far as they can be read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLOCK_BYTES = 64 * 1024
_READ_ERRORS = (OSError, EOFError, ValueError, zlib.error)


class BlockReader:
    """Reads a stream block by block and keeps what came before a failure."""

    def __init__(self, stream: BinaryIO) -> None:
        # read(n) of a buffered stream that fails half-way drops what it had; read1 hands over piece by piece.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._begun = False
        self._ended = False
        self._again = b""
        self.failure: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to read."""
        return self._ended and not self._again

    def put_back(self, block: bytes) -> None:
        """Have bytes read again, before what follows."""
        self._again = block + self._again

    def read(self, size: int) -> bytes:
        """Return this many bytes, or fewer if the stream ended or failed; no leading byte order mark."""
        again, self._again = self._again[:size], self._again[size:]
        pieces = [again]
        lacking = (size if self._begun else max(size, len(_BYTE_ORDER_MARK))) - len(again)
        try:
            while lacking > 0 and not self._ended:
                piece = self._read(min(lacking, _BLOCK_BYTES))
                pieces.append(piece)
                lacking -= len(piece)
                self._ended = not piece
        except _READ_ERRORS as error:
            self.failure = error
            self._ended = True
        block = b"".join(pieces)
        if not self._begun:
            self._begun = True
            block = block.removeprefix(_BYTE_ORDER_MARK)
        return block
