"""JSON read by Arrow straight into columns, used only where it provably reads the text right."""

from __future__ import annotations

import re
from functools import cache, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from pipeline.records.conversion import UnfitError, converted, may_overflow, read_type
from pipeline.records.json_maps import is_readable, map_array
from pipeline.records.json_regular import OPENER, SEPARATORS
from pipeline.records.values import Taken

if TYPE_CHECKING:
    from pipeline.records.columns import Column

_MOST_SKIPPED = 16
# What stands between two objects of an array.
_GAP = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*$")
_LONGEST_GAP = 200

# From here on a double may stand for more than one integer.
_FIRST_INEXACT = 2.0**53
# The years 1 to 9999, in microseconds since 1970.
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999


class TypedLines:
    """Takes whole lines, or elements of an array, as rows; after a block that does not fit it refuses the next ones.

    To try each block of records that do not fit would make reading them a third slower.
    """

    def __init__(self, columns: tuple[Column, ...], least_bytes: int) -> None:
        self._columns = columns
        self._least_bytes = least_bytes
        self._misses = self._to_skip = 0

    def take(self, block: bytes, final: bool) -> Taken | None:
        """Take the rows of a block, or refuse it; see `read_typed_lines`."""
        if self._to_skip:
            self._to_skip -= 1
            return None
        end = len(block) if final else block.rfind(b"\n") + 1
        lines, end = _elements_as_lines(block, final) or (block[:end], end)
        rows = read_typed_lines(lines, self._columns) if end >= self._least_bytes else None
        if rows is None:
            self._misses += 1
            self._to_skip = min(2**self._misses, _MOST_SKIPPED) - 1
            return None
        self._misses = 0
        return Taken(rows, block[end:])


def _elements_as_lines(block: bytes, final: bool) -> tuple[bytes, int] | None:
    """Return the objects of a part of an array, a line each, and where the last one ends in the block.

    They have to be written alike, each like the first up to its first key, and with the same blanks between them. What
    is not stays as it is, and is refused as a line. A text cannot hold what stands between two objects: its first
    quote would end the text, and a key without quotes would follow.

    Returns:
        None for anything else, lines of objects included.
    """
    first = OPENER.match(block)
    second = block.find(first[1], first.end()) if first is not None else -1
    gap = _GAP.search(block, max(0, second - _LONGEST_GAP), second) if second >= 0 else None
    if first is None or gap is None:
        return None
    between = gap[0] + first[1]
    end = len(block) if final else block.rfind(between) + 1
    objects = block[first.start(1) : end].rstrip(SEPARATORS)
    return objects.replace(between, b"}\n" + first[1]), end


def read_typed_lines(block: bytes, columns: tuple[Column, ...]) -> pa.RecordBatch | None:
    """Return objects one after another as rows, where each of their values is as its column has it.

    None where a key has no column or comes twice, where a value is of another type, or where the block could hold
    anything but such objects.

    Args:
        block: Text that begins and ends outside of any record.
        columns: The columns of the rows.
    """
    if not columns or not block.startswith(b"{"):
        return None
    has_maps = any("map<" in column.type for column in columns)
    rows = _read_with_maps(block, columns) if has_maps else read_objects(block, columns)
    return None if rows is None or _may_have_null_record(rows, block) else rows


def _read_with_maps(block: bytes, columns: tuple[Column, ...]) -> pa.RecordBatch | None:
    """Return objects as rows, or None; Arrow infers the maps among their values as structs.

    A null would leave open whether a map has its key.
    """
    maps = tuple(column for column in columns if "map<" in column.type)
    if b"null" in block or not all(is_readable(column.arrow_type) for column in maps):
        return None
    return _read(block, columns, _options(tuple(column for column in columns if column not in maps), "infer"))


def read_objects(block: bytes, columns: tuple[Column, ...]) -> pa.RecordBatch | None:
    """Return objects as rows, or None where a value is not as its column has it; maps are lists of `key` and `value`.

    Args:
        block: Objects, and nothing else.
        columns: The columns of the rows.
    """
    return _read(block, columns, _options(columns, "error"))


def _read(block: bytes, columns: tuple[Column, ...], options: json.ParseOptions) -> pa.RecordBatch | None:
    if any("decimal" in column.type for column in columns) and may_overflow(block):
        return None
    whole = json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    names = [column.name for column in columns]
    try:
        table = json.read_json(pa.BufferReader(block), whole, options)
        (rows,) = table.combine_chunks().to_batches()
        # Arrow accepts invalid UTF-8 and escaped halves of characters.
        if not block.isascii() or b"\\u" in block:
            rows.validate(full=True)
        if not all(map(_is_sound, rows.columns)) or not set(names).issuperset(rows.schema.names):
            return None
        arrays = [_column(rows, column) for column in columns]
    except (pa.ArrowInvalid, UnfitError):
        return None
    return pa.RecordBatch.from_arrays(arrays, names)


def _column(rows: pa.RecordBatch, column: Column) -> pa.Array:
    """Return a column of its type, made of what Arrow has read or inferred.

    Raises:
        UnfitError: A value is not as the type has it, or Arrow has taken it for something else.
        ArrowInvalid: The same.
    """
    kind = column.arrow_type
    read = rows.column(column.name) if column.name in rows.schema.names else pa.nulls(rows.num_rows)
    if pa.types.is_map(kind) and not pa.types.is_list(read.type):
        return map_array(read, kind)
    if read.type != read_type(kind):
        raise UnfitError
    return converted(read, kind)


@cache
def _options(columns: tuple[Column, ...], unexpected: str) -> json.ParseOptions:
    schema = pa.schema([(column.name, read_type(column.arrow_type)) for column in columns])
    return json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected)


def _is_sound(values: pa.Array) -> bool:
    """Return whether no number can have lost a digit or is a `NaN`, and no moment is in a year that Python lacks."""
    if pa.types.is_struct(values.type):
        return all(map(_is_sound, values.flatten()))
    if pa.types.is_list(values.type):
        return _is_sound(values.flatten())
    if pa.types.is_floating(values.type):
        return bool(pc.all(pc.less(pc.abs(values), _FIRST_INEXACT), min_count=0).as_py())
    if pa.types.is_timestamp(values.type):
        bounds = pc.min_max(values.cast(pa.int64())).as_py()
        return bounds["min"] is None or (bounds["min"] >= _FIRST_MOMENT and bounds["max"] <= _LAST_MOMENT)
    return True


def _may_have_null_record(rows: pa.RecordBatch, block: bytes) -> bool:
    """Return whether a record could be a bare `null`, which Arrow takes for an object without keys."""
    if any(not column.null_count for column in rows.columns) or b"null" not in block:
        return False
    return bool(pc.any(reduce(pc.and_, map(pc.is_null, rows.columns))).as_py())
