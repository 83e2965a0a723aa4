"""How much memory a table's rows take once they are decoded, however small their files are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

# A view of a text: its length, the first four bytes or all of a short one, and where a long one is.
_INTEGERS_IN_A_VIEW = 4


def encoded_bytes(files: Iterable[Path | str], columns: Collection[str] | None = None) -> int:
    """Return how many bytes Parquet files take when they are no longer compressed, from their footers.

    Decoded rows take about as many, and more where a value is repeated.

    Args:
        files: The files.
        columns: The columns that count; all of them by default.

    Raises:
        OSError: A file is gone.
    """
    total = 0
    for file in files:
        footer = parquet.read_metadata(file)
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                if columns is None or chunk.path_in_schema.split(".")[0] in columns:
                    total += chunk.total_uncompressed_size
    return total


def decoded_bytes(rows: pa.RecordBatch) -> int:
    """Return how many bytes rows take without views: many views may share one long text."""
    return sum(map(_bytes_of, rows.columns))


def _bytes_of(values: Any) -> int:
    kind = values.type
    if pa.types.is_struct(kind):
        return sum(map(_bytes_of, values.flatten()))
    if pa.types.is_map(kind):
        first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
        return sum(_bytes_of(part[first:last]) for part in (values.keys, values.items))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _bytes_of(values.flatten())
    if not (pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)):
        return int(values.nbytes)
    views = pa.Array.from_buffers(
        pa.int32(), _INTEGERS_IN_A_VIEW * (values.offset + len(values)), [None, values.buffers()[1]]
    )
    lengths = pc.list_element(pa.FixedSizeListArray.from_arrays(views, _INTEGERS_IN_A_VIEW)[values.offset :], 0)
    # A NULL leaves its place as it was.
    return int(pc.sum(lengths.filter(values.is_valid()), min_count=0).as_py())
