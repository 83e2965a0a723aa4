"""Records as rows: each value in its column, and what does not fit in `_rescued_data`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.records.exact_arrays import exact_array, nested_array
from pipeline.records.fitting import MISFIT, fitting_of
from pipeline.records.json_typed import read_objects
from pipeline.records.long_values import without_long_values
from pipeline.records.options import AS_USUAL, TextOptions
from pipeline.records.sql_type import arrow_type, sql_type_of
from pipeline.records.values import Corrupt, Record, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_FILE_PATH = "_file_path"
# Where a value of these is not exactly of the type, a look at each is as fast.
_PLAIN = frozenset({"string", "double", "boolean", "bigint", "int"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column that records' values go to.

    Attributes:
        name: The key whose values it takes, in exactly this case.
        type: What its values are, as `sql_type_of` writes it.
    """

    name: str
    type: str

    @property
    def arrow_type(self) -> pa.DataType:
        """Return the type as Arrow has it."""
        return arrow_type(self.type)

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        kind = self.arrow_type
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def to_record_batch(
    records: Sequence[Record],
    columns: Sequence[Column],
    source_file: str,
    *,
    rescue: bool = True,
    options: TextOptions = AS_USUAL,
) -> pa.RecordBatch:
    """Return one row per record in order: the columns, then `_rescued_data` and `_corrupt_record`.

    `fitting_of` decides what a column takes. What does not fit is NULL in its column and is kept in `_rescued_data`,
    with the source file as `_file_path`; so is every value of a key without a column. A corrupt record has its text in
    `_corrupt_record` and nothing else. So has one of which a value, as its column has it, or what is rescued would be
    longer than a record may be.

    Args:
        records: What was read from one file.
        columns: Columns with unlike names.
        source_file: The path to note beside rescued values.
        rescue: Whether what does not fit is kept at all.
        options: How texts spell numbers.
    """
    rows, corrupt = _parted(records)
    misfits: dict[int, list[str]] = {}
    arrays = [_array(rows, column, misfits, options) for column in columns]
    rescued = _rescued(rows, columns, misfits, source_file) if rescue else [None] * len(rows)
    batch = pa.RecordBatch.from_arrays(
        [*arrays, pa.array(rescued, pa.string()), pa.array(corrupt, pa.string())],
        names=[*(column.name for column in columns), "_rescued_data", "_corrupt_record"],
    )
    return without_long_values(batch, records.__getitem__, options.max_record_bytes)


def _parted(records: Sequence[Record]) -> tuple[Sequence[dict[str, Any]], list[str | None]]:
    if Corrupt not in set(map(type, records)):
        return records, [None] * len(records)  # type: ignore[return-value]  # none of them is corrupt
    rows = [{} if isinstance(record, Corrupt) else record for record in records]
    return rows, [record.text if isinstance(record, Corrupt) else None for record in records]


def _array(
    rows: Sequence[dict[str, Any]], column: Column, misfits: dict[int, list[str]], options: TextOptions
) -> pa.Array:
    """Return a column's values, and note the rows whose value does not fit."""
    name = column.name
    values = [row.get(name) for row in rows]
    if options.decimal != "." and column.is_number:
        values = list(map(options.pointed, values))
    if column.type in _PLAIN:
        array = exact_array(values, column.arrow_type)
    else:
        array = nested_array(values, column.arrow_type, _array_of_text)
    if array is not None:
        return array
    fit = fitting_of(column.type)
    fitted = [None if value is None else fit(value) for value in values]
    for index, value in enumerate(fitted):
        if value is MISFIT:
            misfits.setdefault(index, []).append(name)
            fitted[index] = None
    return pa.array(fitted, column.arrow_type)


def _array_of_text(values: Sequence[Any], kind: pa.DataType) -> pa.Array | None:
    """Return a column's values, written as JSON and read by Arrow, or None if that cannot take them all as they are.

    It is several times as fast as value by value.
    """
    if not values:
        return pa.array([], kind)
    lines = "\n".join([json_text({"": value}) for value in values])
    rows = read_objects(lines.encode(), (Column("", sql_type_of(kind)),))
    return None if rows is None else rows.column(0)


def _rescued(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    misfits: Mapping[int, Sequence[str]],
    source_file: str,
) -> list[str | None]:
    names = {column.name for column in columns}
    rescued: list[str | None] = [None] * len(rows)
    if names.issuperset(chain.from_iterable(rows)):
        indexes: Sequence[int] = sorted(misfits)
    else:
        indexes = [index for index, row in enumerate(rows) if index in misfits or not row.keys() <= names]
    for index in indexes:
        unfit = misfits.get(index, ())
        left = {key: value for key, value in rows[index].items() if key not in names or key in unfit}
        values = {key: value for key, value in left.items() if value is not None}
        rescued[index] = _rescued_text(values, source_file) if values else None
    return rescued


def _rescued_text(values: dict[str, Any], source_file: str) -> str:
    """Return rescued values with their file as JSON text.

    A record's own `_file_path` keeps its value under a name with as many more underscores as set it apart.
    """
    if _FILE_PATH in values:
        own_name = "_" + _FILE_PATH
        while own_name in values:
            own_name = "_" + own_name
        values = {own_name if key == _FILE_PATH else key: value for key, value in values.items()}
    return json_text({**values, _FILE_PATH: source_file})
