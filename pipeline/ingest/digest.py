"""What tells the versions of a file apart: the digest of its bytes."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

from pipeline.ingest.opening import open_landed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK_BYTES = 1024 * 1024


class DigestedFile(io.RawIOBase):
    """A file that is read once, from its beginning to its end, and digested on the way.

    Args:
        file: The file, which is closed with this one.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next bytes into a buffer, and return how many; 0 at the end."""
        view = memoryview(buffer).cast("B")
        count = self._file.readinto(view)
        self._digest.update(view[:count])
        return count

    def sha256(self) -> str:
        """Return the digest of the whole file, after reading what is left of it."""
        while self.read(_BLOCK_BYTES):
            pass
        return self._digest.hexdigest()

    def identity(self) -> tuple[int, int, int, int]:
        """Return the size, and what changes when another file takes this one's place or its bytes change."""
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_dev, status.st_ino, status.st_ctime_ns

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def sha256_of(path: str, folder: str) -> str:
    """Return the digest of a landed file; see `open_file`.

    Raises:
        OSError: It cannot be read.
    """
    with open_file(path, folder) as file:
        return file.sha256()


def open_file(path: str, folder: str) -> DigestedFile:
    """Return a landed file, opened to be read once; see `open_landed`.

    Raises:
        OSError: It cannot be opened, or must not be read.
    """
    return DigestedFile(open_landed(path, folder))
