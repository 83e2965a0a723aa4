"""Files that are small on disk and large when they are read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from generators.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from generators.faults.sample import Sample

BOMB_MEGABYTES = 64
TINY_RECORDS = 20_000
VALUES = 1_500_000
_MEGABYTE = 1024**2
# What makes zlib write the header and the end of a gzip file.
_GZIP = zlib.MAX_WBITS | 16


def _between(begin: bytes, unit: bytes, times: int, end: bytes) -> Callable[[Sample], bytes]:
    """Return what packs a unit, so many times, between two readings on lines of their own."""

    def content(sample: Sample) -> bytes:
        before, after = (f"{reading}\n".encode() for reading in sample.readings(2))
        packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        at_once = max(1, _MEGABYTE // len(unit))
        block = unit * at_once
        parts = [packer.compress(before + begin)]
        parts += [packer.compress(block) for _ in range(times // at_once)]
        parts += [packer.compress(unit * (times % at_once) + end + after), packer.flush()]
        return b"".join(parts)

    return content


def _bomb(
    name: str, description: str, content: Callable[[Sample], bytes], corrupt: int, good: int = 2, violates: str = ""
) -> Fault:
    return Fault(name, description, content, good, corrupt, violates or None, extension=".json.gz")


_BYTES = BOMB_MEGABYTES * _MEGABYTE
BOMB_FAULTS = (
    _bomb(
        "long_text", f"a text of {BOMB_MEGABYTES} MB in a record", _between(b'{"location":"', b"x", _BYTES, b'"}\n'), 1
    ),
    _bomb("long_key", f"a key of {BOMB_MEGABYTES} MB", _between(b'{"', b"k", _BYTES, b'":1}\n'), 1),
    _bomb(
        "open_quote",
        f"a text of {BOMB_MEGABYTES} MB without an end",
        _between(b'{"location":"', b"x", _BYTES, b"\n"),
        1,
    ),
    _bomb("deep_nesting", "ten million levels of objects", _between(b"", b'{"a":', 10_000_000, b"\n"), 1),
    _bomb("many_values", f"a record with {VALUES:,} values", _between(b'{"location":[', b"1e1,", VALUES, b"1]}\n"), 1),
    _bomb("many_blanks", f"{BOMB_MEGABYTES} MB of blanks", _between(b"", b" ", _BYTES, b"\n"), 0),
    _bomb("many_commas", f"{BOMB_MEGABYTES} MB of commas", _between(b"", b",", _BYTES, b"\n"), 0),
    _bomb("many_line_ends", f"{BOMB_MEGABYTES} MB of line ends", _between(b"", b"\n", _BYTES, b""), 0),
    _bomb(
        "many_tiny_records",
        f"{TINY_RECORDS:,} records without values",
        _between(b"", b"{}\n", TINY_RECORDS, b""),
        0,
        TINY_RECORDS + 2,
        "valid_device_id",
    ),
)
