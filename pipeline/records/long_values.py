"""Rows without values that are longer than a record may be: text can grow on its way into a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records.long_record import shortened
from pipeline.records.values import Corrupt, json_text, without_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.records.values import Record


def without_long_values(rows: pa.RecordBatch, record_of: Callable[[int], Record], most: int) -> pa.RecordBatch:
    """Return rows, each of which that has a longer value replaced by the beginning and the length of its record.

    Args:
        rows: The columns, `_corrupt_record` among them.
        record_of: Returns what the row of a number was made of.
        most: The most bytes that a value may have.
    """
    if rows.nbytes <= most:
        return rows
    long = sorted({index for column in rows.columns for index in _long_values(column, most)})
    if not long:
        return rows
    taken = set(range(rows.num_rows)).difference(long)
    kept = pa.array([index if index in taken else None for index in range(rows.num_rows)], pa.int64())
    columns = {name: column.take(kept) for name, column in zip(rows.schema.names, rows.columns, strict=True)}
    texts = columns["_corrupt_record"].to_pylist()
    for index in long:
        record = record_of(index)
        text = without_surrogates(record.text if isinstance(record, Corrupt) else json_text(record))
        texts[index] = shortened(text, len(text.encode()), most)
    columns["_corrupt_record"] = pa.array(texts, pa.string())
    return pa.RecordBatch.from_arrays([*columns.values()], names=rows.schema.names)


def _long_values(column: pa.Array, most: int) -> list[int]:
    """Return which values of a column are longer."""
    if column.nbytes <= most:
        return []
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        found: list[int] = pc.indices_nonzero(pc.greater(pc.binary_length(column), most)).to_pylist()
        return found
    return [index for index in range(len(column)) if column.slice(index, 1).nbytes > most]
