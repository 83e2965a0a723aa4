"""Opening what landed: only a regular file below the landing folder, whatever takes its place meanwhile."""

from __future__ import annotations

import errno
import io
import os
import stat

from pipeline.ingest.landing import shown

_NOT_A_FILE = "neither a file nor a folder"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe or a device that has taken a file's place must not keep its reader waiting.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class _LinkError(Exception):
    """A part of a path is a link."""


def open_landed(path: str, folder: str) -> io.FileIO:
    """Return a landed file, opened to be read.

    No link is followed while the file is opened, and what is open is checked, not what the path led to before. A link
    is read if the file that it leads to is below the landing folder.

    Args:
        path: The file.
        folder: The landing folder; the file's own, where the file is not below it.

    Raises:
        OSError: It cannot be opened, is not a file, is a link that leads out of the landing folder, is a hard link to a
            file of another owner than the folder's, or has a name that no table can hold.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "the name is not UTF-8; rename the file") from None
    base, below = (folder, path[len(folder) + 1 :]) if folder and path.startswith(f"{folder}/") else os.path.split(path)
    root = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            opened = _opened(root, below)
        except _LinkError:
            opened = _opened_target(root, base, path)
        return _checked(opened, os.fstat(root).st_uid)
    finally:
        os.close(root)


def _opened_target(root: int, base: str, path: str) -> int:
    """Return the file that a link leads to, opened by its own path."""
    target = os.path.realpath(path, strict=True)
    real_base = f"{os.path.realpath(base)}/"
    if not target.startswith(real_base):
        raise OSError(errno.EINVAL, f"a link to {shown(target)}, which is not below the landing folder")
    try:
        return _opened(root, target.removeprefix(real_base))
    except _LinkError:
        raise OSError(errno.ELOOP, "a link that changed while it was opened") from None


def _opened(root: int, below: str) -> int:
    """Return a file below a folder, opened part by part of its path so that no part is a link.

    Raises:
        _LinkError: A part is a link.
        OSError: There is no such file, or it is neither a file nor a folder.
    """
    *folders, name = below.split("/")
    at = root
    try:
        for part in folders:
            inner = _open_part(part, _FOLDER, at)
            if at != root:
                os.close(at)
            at = inner
        # A device may act as soon as it is opened.
        _check_mode(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
        return _open_part(name, _FILE, at)
    finally:
        if at != root:
            os.close(at)


def _open_part(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _LinkError from None
        raise


def _check_mode(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise _LinkError
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, _NOT_A_FILE)


def _checked(opened: int, owner: int) -> io.FileIO:
    """Return what was opened if it is a file that the landing folder's owner may have put there."""
    try:
        _check_status(os.fstat(opened), owner)
        return io.FileIO(opened)
    except BaseException:
        os.close(opened)
        raise


def _check_status(status: os.stat_result, owner: int) -> None:
    _check_mode(status.st_mode)
    if status.st_nlink > 1 and status.st_uid != owner:
        remedy = "copy it instead of linking it"
        raise OSError(errno.EPERM, f"a hard link to a file of another owner (user {status.st_uid}); {remedy}")
