"""Which files in a landing folder a source takes, and why it takes no others."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.declare.glob import glob_pattern
from pipeline.records.compression import COMPRESSION_ENDINGS
from pipeline.records.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.declare.files_source import FilesSource


@dataclass
class Folder:
    """One folder, without what is hidden.

    Attributes:
        path: As text.
        names: The files in it, and links.
        folders: The folders in it that the source does not look into.
        error: Why it cannot be listed, or None.
    """

    path: str
    names: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    error: OSError | None = None

    def unread(self) -> dict[str, str]:
        """Return the folder's path and why it cannot be listed, or nothing."""
        return {self.path: f"the folder cannot be read: {self.error.strerror}"} if self.error else {}


def listed_paths(folder: Path, source: FilesSource) -> list[str]:
    """Return the paths in a folder that the source takes, folders and broken links with such names among them.

    Names that begin with a dot or an underscore are hidden, and everything below such a folder is.

    Raises:
        OSError: The folder cannot be listed. Folders below it that cannot are left out.
    """
    takes = _names_taken(source)
    folders = _folders(str(folder), source)
    # A folder with a file's extension is set aside, as what is there in a file's place.
    return [
        f"{each.path}/{name}"
        for each in folders
        for name in (each.names if _glob(source) else chain(each.names, each.folders))
        if takes(name)
    ]


def ignored_paths(folder: Path, source: FilesSource) -> dict[str, str]:
    """Return the other files in a folder, hidden ones left out, and why the source does not take each.

    A folder that cannot be listed stands for what is in it.
    """
    takes, reason = _names_taken(source), _reason(source)
    ignored: dict[str, str] = {}
    for each in _folders(str(folder), source):
        ignored |= each.unread()
        ignored |= {f"{each.path}/{name}": reason for name in each.names if not takes(name)}
        for name in each.folders:
            if takes(name) and not _glob(source):
                continue
            for below in walk(f"{each.path}/{name}", lambda _: True):
                ignored |= below.unread()
                ignored |= {f"{below.path}/{file}": _sub_folder(source) for file in below.names}
    return ignored


def folder_times(folder: Path, source: FilesSource) -> list[int]:
    """Return when each folder that a source looks into last changed, in nanoseconds; nothing where there is none."""
    paths = [each.path for each in _folders(str(folder), source)] if source.reads_folders else [str(folder)]
    try:
        return [os.stat(path).st_mtime_ns for path in paths]  # noqa: PTH116 - paths as text
    except FileNotFoundError:
        return []


def _glob(source: FilesSource) -> str:
    """Return which names are taken, or an empty text where the format's extensions decide."""
    return source.path_glob_filter or ("" if FORMATS[source.format].extensions else "*")


def _names_taken(source: FilesSource) -> Callable[[str], bool]:
    if glob := _glob(source):
        pattern = glob_pattern(glob)
        return lambda name: pattern.fullmatch(name) is not None
    form = FORMATS[source.format]
    packings = ("",) if form.is_read_by_spark else ("", *COMPRESSION_ENDINGS)
    endings = tuple(f".{extension}{packed}" for extension in form.extensions for packed in packings)
    return lambda name: name.endswith(endings)


def _reason(source: FilesSource) -> str:
    if source.path_glob_filter:
        return f"its name does not match path_glob_filter `{source.path_glob_filter}`"
    form = FORMATS[source.format]
    plain = " or ".join(f".{extension}" for extension in form.extensions)
    packed = "" if form.is_read_by_spark else f", alone or with {', '.join(COMPRESSION_ENDINGS)}"
    return f"its name does not end in {plain}{packed}"


def _sub_folder(source: FilesSource) -> str:
    if source.partition_columns:
        return "it is in a folder of no partition column, and recursive_file_lookup is off"
    return "it is in a sub-folder, and recursive_file_lookup is off"


def _folders(folder: str, source: FilesSource) -> Iterator[Folder]:
    """Yield a folder, if there is one, and those below it that the source looks into.

    Raises:
        OSError: The folder itself cannot be listed.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - a path as text
        return
    for each in walk(folder, _enters(source)):
        if each.error is not None and each.path == folder:
            raise each.error
        yield each


def _enters(source: FilesSource) -> Callable[[str], bool]:
    if source.recursive_file_lookup:
        return lambda _: True
    starts = tuple(f"{column}=" for column in source.partition_columns)
    return lambda name: name.startswith(starts)


def walk(folder: str, enters: Callable[[str], bool]) -> Iterator[Folder]:
    """Yield a folder and those below it whose names are to be entered; links are not followed.

    What is hidden, or gone meanwhile, is left out.
    """
    waiting = [folder]
    while waiting:
        found, entered = Folder(waiting.pop()), list[str]()
        try:
            with os.scandir(found.path) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith((".", "_")):
                        continue
                    if not entry.is_dir(follow_symlinks=False):
                        found.names.append(name)
                    elif enters(name):
                        entered.append(f"{found.path}/{name}")
                    else:
                        found.folders.append(name)
            if not os.access(found.path, os.X_OK, effective_ids=True):
                # Names without anything that is known of the files.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except FileNotFoundError:
            continue
        except OSError as error:
            found, entered = Folder(found.path, error=error), []
        waiting += entered
        yield found
