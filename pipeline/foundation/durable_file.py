"""Small files that are either complete or missing, and that survive a power failure."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, content: str | bytes, *, durable: bool = True, private: bool = False) -> None:
    """Write a file, or replace the one that is there; a kill at any moment leaves the old content or the new one.

    When this returns, both the content and the file's name are on disk. Missing folders are created.

    Args:
        path: The file.
        content: Its new content; text is written as UTF-8.
        durable: Whether the file survives a power failure. Without it, a power failure may leave the file missing or
            empty: enough for what is computed again when it cannot be read.
        private: Whether only its owner may read and write the file.

    Raises:
        OSError: The file cannot be written; what was there before stays.
    """
    draft = _draft(path, content, durable=durable, private=private)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def create_file(path: Path, content: str | bytes) -> None:
    """Write a new file; of several writers at once exactly one succeeds.

    When this returns, both the content and the file's name are on disk. Missing folders are created.

    Raises:
        FileExistsError: The file exists already.
        OSError: The file cannot be written.
    """
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def rename_file(path: Path, to: Path) -> None:
    """Give a file another name within its folder, replacing a file of that name; when this returns, it is on disk.

    Raises:
        OSError: The file cannot be renamed.
    """
    path.replace(to)
    sync_folder(to.parent)


def _draft(path: Path, content: str | bytes, *, durable: bool = True, private: bool = False) -> Path:
    create_folder(path.parent)
    # The name begins with a dot, so that code which lists the folder does not take it for one of its own files.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(draft, flags, 0o600 if private else 0o666), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return draft


def create_folder(folder: Path) -> None:
    """Create a folder and those above it, for their owner alone; a power failure does not undo this.

    Folders that exist already stay as they are.

    Raises:
        OSError: One of them cannot be created.
    """
    if not folder.is_dir():
        create_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk; without this a power failure may undo a rename."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
