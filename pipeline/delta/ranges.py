"""Which files of a table may hold rows that are looked for, by the bounds of their columns in the table's log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from pipeline.delta.reading import folder_of, hadoop_path, is_its_files
from pipeline.foundation.sql_names import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

# Delta cuts long texts, and moments to the millisecond.
_LONGEST_TEXT = 32
_CUT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class FileRange:
    """A file, with the bounds of its columns as far as the log tells them.

    Attributes:
        path: The file.
        bounds: The least and the greatest value of columns.
    """

    path: str
    bounds: Mapping[str, tuple[Any, Any]]

    def may_hold(self, rows: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray | None:
        """Return which rows have values within the bounds, or None where the log tells the bounds of no column."""
        within = [_within(rows[name], *self.bounds[name]) for name in columns if self._tells(name, rows)]
        return reduce(pc.and_, within) if within else None

    def reaches(self, rows: pa.Table, column: str) -> pa.ChunkedArray | None:
        """Return which rows have a value of at most the greatest one here, or None where the log does not tell it."""
        return _at_most(rows[column], self.bounds[column][1]) if self._tells(column, rows) else None

    def _tells(self, name: str, rows: pa.Table) -> bool:
        return name in self.bounds and name in rows.column_names


@dataclass(frozen=True)
class FileRanges:
    """A table's files, opened once.

    Attributes:
        table: The table as deltalake opened it.
        files: Its files.
    """

    table: DeltaTable
    files: tuple[FileRange, ...]

    @classmethod
    def opened(cls, path: Path, columns: Sequence[str]) -> FileRanges:
        """Open a table at its newest version, with the bounds of some columns."""
        table = DeltaTable(path)
        if not is_its_files(table):
            # With deletion vectors a file's rows are not all of them the table's: only Delta reads these.
            return cls(table, ())
        found = pa.table(table.get_add_actions(flatten=True))
        folder = folder_of(table)
        bounds = {name: _bounds(found, name) for name in columns}
        files = [
            FileRange(str(folder / file), {name: pairs[number] for name, pairs in bounds.items() if pairs[number]})
            for number, file in enumerate(found["path"].to_pylist())
        ]
        return cls(table, tuple(files))

    def read(self, spark: SparkSession, files: Sequence[FileRange] | None = None) -> DataFrame:
        """Return the rows of some files, of all by default."""
        from pyspark.sql.types import StructType  # noqa: PLC0415 - the event log is read without Spark

        if not is_its_files(self.table):
            return spark.read.format("delta").load(str(folder_of(self.table)))
        schema = StructType.fromJson(json.loads(self.table.schema().to_json()))
        paths = [hadoop_path(file.path) for file in (self.files if files is None else files)]
        return spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)


def _bounds(found: pa.Table, name: str) -> list[Any]:
    """Return for each file the bounds of a column, or None where there are none that can be compared."""
    least, greatest = f"min.{name}", f"max.{name}"
    if least not in found.column_names or greatest not in found.column_names or not _is_comparable(found[least].type):
        return [None] * found.num_rows
    pairs = zip(found[least].to_pylist(), found[greatest].to_pylist(), strict=True)
    return [None if None in pair else pair for pair in pairs]


def _is_comparable(kind: pa.DataType) -> bool:
    checks = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_date,
        pa.types.is_timestamp,
    )
    return any(check(kind) for check in checks)


def _within(values: pa.ChunkedArray, least: Any, greatest: Any) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(_cut(values), _bound(values.type, least, -1)), _at_most(values, greatest))


def _at_most(values: pa.ChunkedArray, greatest: Any) -> pa.ChunkedArray:
    return pc.less_equal(_cut(values), _bound(values.type, greatest, 1))


def _cut(values: pa.ChunkedArray) -> pa.ChunkedArray:
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return pc.utf8_slice_codeunits(values, 0, _LONGEST_TEXT) if is_text else values


def _bound(kind: pa.DataType, value: Any, widened: int) -> pa.Scalar:
    if isinstance(value, str):
        value = value[:_LONGEST_TEXT]
    elif isinstance(value, datetime):
        value += _CUT * widened
    return pa.scalar(value, kind)


def range_of(values: pa.ChunkedArray) -> list[tuple[str, str]]:
    """Return the least and the greatest of some values as SQL; nothing for NULLs, and types without such a literal."""
    is_text = pa.types.is_string(values.type)
    if not (is_text or pa.types.is_integer(values.type)) or not len(values) or values.null_count:
        return []
    found = pc.min_max(values).as_py()
    ends = [literal(found[side]) if is_text else str(found[side]) for side in ("min", "max")]
    return [(ends[0], ends[1])]
