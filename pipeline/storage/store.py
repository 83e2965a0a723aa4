"""What a home asks of the place that keeps its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_LONGEST_PART = 255
_UNSUITABLE = re.compile(r"[\\\x00-\x1f\x7f]")


class ChangedError(Exception):
    """The file has changed since the caller read it, or is gone; nothing was written or deleted."""


@dataclass(frozen=True)
class Content:
    """A file as it was read.

    Attributes:
        etag: The tag of this content. A file that was replaced has another tag, but content that is equal may have an
            equal one: what is compared and replaced has to contain something that is never used twice.
    """

    data: bytes
    etag: str


@dataclass(frozen=True)
class Entry:
    """A file as a listing shows it; `name` is relative to the store."""

    name: str
    size: int
    etag: str


class Store(Protocol):
    """Files by name. Names are relative, with slashes; a file is there whole or not at all.

    Nothing returns before what it wrote or deleted is durable. Each operation is atomic, also while other processes use
    the store.

    Raises:
        EnvironmentFaultError: The store cannot be reached, refuses the credentials, or has no room.
        ValueError: A name cannot be used in this store.
    """

    def read(self, name: str) -> Content:
        """Return a file.

        Raises:
            FileNotFoundError: There is none of this name.
        """

    def create(self, name: str, data: bytes) -> str:
        """Write a new file and return its ETag; of several writers at once exactly one succeeds.

        Raises:
            FileExistsError: Another writer's file is there already.
        """

    def replace(self, name: str, data: bytes, if_same: str) -> str:
        """Replace a file that still has the given ETag, and return its new one; of several writers one succeeds.

        Raises:
            ChangedError: It has another ETag, or is gone.
        """

    def delete(self, name: str, if_same: str | None = None) -> None:
        """Delete a file; deleting a missing one succeeds.

        Raises:
            ChangedError: The file does not have the given ETag.
        """

    def list(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        """Return the files below a folder, also in folders of it, ordered by the bytes of their names.

        Args:
            prefix: A folder; all files of the store where it is empty.
            after: Only files whose names come after this one.
        """

    def open_reader(self, name: str, if_same: str | None = None) -> AbstractContextManager[BinaryIO]:
        """Open a file for reading from its beginning to its end.

        Raises:
            FileNotFoundError: There is none of this name.
            ChangedError: It does not have the given ETag.
        """

    def open_writer(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file for writing; it appears, or replaces another, when the block ends, and not if the block fails."""


def valid_name(name: str) -> str:
    """Return the name of a file, if every store gives it back as it is.

    Raises:
        ValueError: A part is empty, `.` or `..`, longer than 255 bytes, or has a control character or backslash.
    """
    for part in name.split("/"):
        if part in {"", ".", ".."} or _UNSUITABLE.search(part) or len(part.encode()) > _LONGEST_PART:
            problem = f"{name!r} cannot name a file in a store: the part {part!r} cannot be used"
            raise ValueError(problem)
    return name
