"""Columns whose values come from the names of folders, such as `date=2026-03-01`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from pipeline.records.values import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.records.columns import Column

_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_values(path: str, folder: str, columns: Sequence[Column]) -> dict[str, Any]:
    """Return the values that the folders above a file give to columns; the innermost folder of a name counts.

    Names are read as Spark and Hive write them: `%3A` is a colon, and one name stands for NULL.

    Args:
        path: The file.
        folder: The landing folder; folders above it give nothing.
        columns: The columns.
    """
    names = {column.name for column in columns}
    parts = (part.partition("=") for part in path.removeprefix(f"{folder}/").split("/")[:-1])
    return {name: unquote(text) for name, sign, text in parts if sign and name in names and text != _NULL}


def add_partitions(arrays: dict[str, pa.Array], values: pa.RecordBatch, count: int) -> None:
    """Add one row's columns to arrays of so many rows; what did not fit its column is added to each rescued text.

    Args:
        arrays: The rows' arrays by name.
        values: One row: the partition columns and `_rescued_data`.
        count: The number of rows.
    """
    row = values.to_pylist()[0]
    corrupt = row.pop("_corrupt_record")
    assert corrupt is None
    misfits = row.pop("_rescued_data")
    for name in row:
        arrays[name] = pa.repeat(values.column(name)[0], count)
    if misfits is not None:
        rescued = arrays["_rescued_data"].to_pylist() if "_rescued_data" in arrays else [None] * count
        arrays["_rescued_data"] = pa.array([_joined(misfits, text) for text in rescued], pa.string())


def _joined(misfits: str, rescued: str | None) -> str:
    """Return rescued text with the values that it lacks; what is in it stays as it is written."""
    if rescued is None:
        return misfits
    there = json.loads(rescued)
    lacking = {name: text for name, text in json.loads(misfits).items() if name not in there}
    return f"{json_text(lacking)[:-1]}, {rescued[1:]}" if lacking else rescued
