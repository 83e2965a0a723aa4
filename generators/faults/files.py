"""Files that are large, oddly named, unreadable, not files at all, or changed later."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

from generators.faults.fault import Fault
from generators.faults.sample import Sample, array

if TYPE_CHECKING:
    from pathlib import Path

    from generators.landing import Landing

BIG_RECORD_BYTES = 10_000_000
READINGS_OF_LARGE_FILE = 1_500_000
_READINGS_OF_GZIP = 200


def _plain(sample: Sample) -> bytes:
    return array(*sample.readings(3))


def _big_record(sample: Sample) -> bytes:
    diagnostics = '"' + "x" * BIG_RECORD_BYTES + '"'
    return array(sample.reading(), sample.reading({"diagnostics": diagnostics}), sample.reading())


def _large_file(sample: Sample) -> bytes:
    return array(*sample.readings(READINGS_OF_LARGE_FILE))


def _truncated_gzip(sample: Sample) -> bytes:
    packed = gzip.compress(array(*sample.readings(_READINGS_OF_GZIP)), mtime=0)
    return packed[: len(packed) // 2]


def _without_permission(landing: Landing, label: str, content: bytes, extension: str) -> Path:
    return landing.write(label, content, extension, mode=0)


def _folder(landing: Landing, label: str, content: bytes, extension: str) -> Path:
    path = landing.new_path(label, extension)
    path.mkdir()
    (path / "inside.json").write_bytes(content)
    return path


def _link_to_itself(landing: Landing, label: str, _content: bytes, extension: str) -> Path:
    path = landing.new_path(label, extension)
    path.symlink_to(path.name)
    return path


def _link_to_environment(landing: Landing, label: str, _content: bytes, extension: str) -> Path:
    path = landing.new_path(label, extension)
    path.symlink_to("/proc/self/environ")
    return path


def _pipe(landing: Landing, label: str, _content: bytes, extension: str) -> Path:
    path = landing.new_path(label, extension)
    os.mkfifo(path)
    return path


def _overwrite(landing: Landing, path: Path, sample: Sample) -> None:
    landing.overwrite(path, array(*sample.readings(4)))


def _delete(_landing: Landing, path: Path, _sample: Sample) -> None:
    path.unlink(missing_ok=True)


SIZES = (
    Fault("big_record", "a record of 10 MB between two readings", _big_record, 3, 0),
    Fault("large_file", "an array of over 200 MB on one line", _large_file, READINGS_OF_LARGE_FILE, 0, is_large=True),
)

NAMES = (
    Fault("spaces_in_file_name", "a name with spaces", _plain, 3, 0, label="floor A  line 1"),
    Fault("percent_in_file_name", "a name with %20 and %", _plain, 3, 0, label="floor%20A%2Fline%1"),
    Fault("unicode_in_file_name", "a name in other scripts", _plain, 3, 0, label="größe-工場-Ω-🏭"),
    Fault("quotes_in_file_name", "a name with quotes", _plain, 3, 0, label="floor-'A'-\"line\"-`1`"),
    Fault("glob_in_file_name", "a name with brackets, braces and stars", _plain, 3, 0, label="floor[A]{1,2}*?"),
)

UNREADABLE = (
    Fault(
        "truncated_gzip",
        "a gzip file that is cut off in the middle",
        _truncated_gzip,
        None,
        None,
        sets_aside=True,
        extension=".json.gz",
    ),
    Fault(
        "not_gzip",
        "a file named .gz that is not a gzip file",
        lambda _: b"PK\x03\x04 this is not gzip",
        0,
        0,
        sets_aside=True,
        extension=".json.gz",
    ),
    # None: root can read it all the same.
    Fault(
        "no_read_permission",
        "a file that the reader has no permission to open",
        _plain,
        None,
        None,
        sets_aside=True,
        place=_without_permission,
    ),
    Fault("folder_named_like_a_file", "a folder named .json", _plain, 0, 0, sets_aside=True, place=_folder),
    Fault("symlink_loop", "a link that points to itself", lambda _: b"", 0, 0, sets_aside=True, place=_link_to_itself),
    Fault(
        "link_out_of_the_landing_folder",
        "a link to the environment of the process that reads it",
        lambda _: b"",
        0,
        0,
        sets_aside=True,
        place=_link_to_environment,
    ),
    Fault("pipe", "a pipe that nobody writes to", lambda _: b"", 0, 0, sets_aside=True, place=_pipe),
)

CHANGING = (
    Fault("overwritten_file", "a good file that is overwritten after it was read", _plain, 3, 0, afterwards=_overwrite),
    Fault("deleted_file", "a good file that is deleted, whether it was read or not", _plain, 3, 0, afterwards=_delete),
)

FILE_FAULTS = (*SIZES, *NAMES, *UNREADABLE, *CHANGING)
