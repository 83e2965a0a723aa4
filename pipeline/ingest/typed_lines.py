"""JSON lines read by Arrow straight into columns, taken only where it provably reads what stands there."""

from __future__ import annotations

from functools import cache, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

if TYPE_CHECKING:
    from pipeline.ingest.columns import Column

# From here on a double may stand for more than one integer.
_FIRST_INEXACT = 2.0**53


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
    whole = json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    try:
        table = json.read_json(pa.BufferReader(block), whole, _options(columns))
        (rows,) = table.combine_chunks().to_batches()
        # Arrow takes bytes that are no UTF-8, and halves of characters that are escaped.
        if not block.isascii() or b"\\u" in block:
            rows.validate(full=True)
    except pa.ArrowInvalid:
        return None
    numbers = [column for column in rows.columns if pa.types.is_floating(column.type)]
    return rows if all(map(_is_exact, numbers)) and not _may_have_null_record(rows, block) else None


@cache
def _options(columns: tuple[Column, ...]) -> json.ParseOptions:
    schema = pa.schema([(column.name, column.arrow_type) for column in columns])
    return json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")


def _is_exact(numbers: pa.Array) -> bool:
    """Tell whether no number may have lost a digit, and none is a `NaN` or an `Infinity`."""
    return bool(pc.all(pc.less(pc.abs(numbers), _FIRST_INEXACT), min_count=0).as_py())


def _may_have_null_record(rows: pa.RecordBatch, block: bytes) -> bool:
    """Tell whether a record could be a `null` that stands alone, which Arrow takes for an object without keys."""
    if any(not column.null_count for column in rows.columns) or b"null" not in block:
        return False
    return bool(pc.any(reduce(pc.and_, map(pc.is_null, rows.columns))).as_py())
