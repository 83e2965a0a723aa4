"""A folder of this machine as a store."""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipeline.foundation.durable_file import create_file, create_folder, replace_file, sync_folder
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.storage.store import ChangedError, Content, Entry, valid_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = ".store.lock"


class FolderStore:
    """Files in a folder, except for hidden ones: drafts, and the lock that makes compare-and-replace atomic."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> Content:
        """Return a file."""
        with _disk_faults(self._root), self._path(name).open("rb") as file:
            return Content(file.read(), _etag(os.fstat(file.fileno())))

    def create(self, name: str, data: bytes) -> str:
        """Write a new file; a link gives it its name, which fails where the name is taken."""
        path = self._path(name)
        with _disk_faults(self._root):
            create_file(path, data)
            return _etag(path.stat())

    def replace(self, name: str, data: bytes, if_same: str) -> str:
        """Replace a file that still has the given ETag."""
        path = self._path(name)
        with _disk_faults(self._root), self._same(path, if_same) as before:
            replace_file(path, data)
            after = path.stat()
            # The new file may have the inode of one before the last, and a clock's tick is some milliseconds long.
            newest = max(after.st_mtime_ns, before.st_mtime_ns + 1)
            os.utime(path, ns=(newest, newest))
            return _etag(path.stat())

    def delete(self, name: str, if_same: str | None = None) -> None:
        """Delete a file, whose folder stays."""
        path = self._path(name)
        with _disk_faults(self._root):
            if if_same is None:
                path.unlink(missing_ok=True)
            elif path.exists():
                with self._same(path, if_same):
                    path.unlink()
            if path.parent.is_dir():
                sync_folder(path.parent)

    def list(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        """Return the files below a folder that are not hidden, and lie in no hidden folder."""
        folder = self._path(prefix) if prefix else self._root
        with _disk_faults(self._root):
            found = sorted(_below(folder, f"{prefix}/" if prefix else ""), key=lambda entry: entry.name.encode())
        return (entry for entry in found if entry.name.encode() > after.encode())

    @contextmanager
    def open_reader(self, name: str, if_same: str | None = None) -> Iterator[BinaryIO]:
        """Open a file; one that is replaced meanwhile is still read to its end."""
        path = self._path(name)
        with path.open("rb") as file:
            if if_same is not None and _etag(os.fstat(file.fileno())) != if_same:
                raise ChangedError(str(path))
            yield file

    @contextmanager
    def open_writer(self, name: str) -> Iterator[BinaryIO]:
        """Open a hidden draft, which gets the file's name when the block ends."""
        path = self._path(name)
        draft = path.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with _disk_faults(self._root):
                create_folder(path.parent)
                file = draft.open("wb")
            with file:
                yield file
                with _disk_faults(self._root):
                    file.flush()
                    os.fsync(file.fileno())
                    draft.replace(path)
                    sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        valid_name(name)
        if any(part.startswith(".") for part in name.split("/")):
            problem = f"{name!r} is hidden: names that begin with a dot are the folder's own"
            raise ValueError(problem)
        return self._root / name

    @contextmanager
    def _same(self, path: Path, etag: str) -> Iterator[os.stat_result]:
        """Keep others from comparing and replacing inside the block, in which the file has this ETag."""
        create_folder(self._root)
        with (self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                found = path.stat()
            except FileNotFoundError:
                raise ChangedError(str(path)) from None
            if _etag(found) != etag:
                raise ChangedError(str(path))
            yield found


def _below(folder: Path, prefix: str) -> Iterator[Entry]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(Path(entry.path), f"{prefix}{entry.name}/")
            continue
        try:
            found = entry.stat()
        except FileNotFoundError:
            continue
        yield Entry(f"{prefix}{entry.name}", found.st_size, _etag(found))


def _etag(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


@contextmanager
def _disk_faults(root: Path) -> Iterator[None]:
    """Raise a fault of the disk as one of the environment; that a file exists or is missing is an answer."""
    try:
        yield
    except (FileExistsError, FileNotFoundError, EnvironmentFaultError):
        raise
    except OSError as error:
        problem = f"A file below {root} cannot be read or written: {error}."
        raise EnvironmentFaultError(problem, "Free some disk space, or correct the permissions.") from error
