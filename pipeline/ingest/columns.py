"""Records as rows: each value in its column, and what does not fit in `_rescued_data`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from pipeline.ingest.fitting import FITTINGS, MISFIT, json_text
from pipeline.ingest.values import Corrupt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ingest.values import Record

ColumnType = Literal["string", "double", "boolean"]

_FILE_PATH = "_file_path"
_ARROW_TYPES = {"string": pa.string(), "double": pa.float64(), "boolean": pa.bool_()}
# The kinds of value that Arrow takes exactly as they are, or refuses: integers too large for a double raise.
_EXACT_KINDS: Mapping[str, set[type]] = {
    "string": {str, NoneType},
    "double": {float, int, NoneType},
    "boolean": {bool, NoneType},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that records' values go to.

    Attributes:
        name: The key whose values it takes, in exactly this case.
        type: What its values are.
    """

    name: str
    type: ColumnType

    @property
    def arrow_type(self) -> pa.DataType:
        """Return the type as Arrow has it."""
        return _ARROW_TYPES[self.type]


def to_record_batch(
    records: Sequence[Record], columns: Sequence[Column], source_file: str, *, rescue: bool = True
) -> pa.RecordBatch:
    """Return one row per record in order: the columns, then `_rescued_data` and `_corrupt_record`.

    A number column takes numbers that a double holds (integers exactly) and texts that spell one as JSON
    does, blanks around it allowed; a boolean column takes true, false and these words as texts; a string
    column takes everything, numbers and nested values as JSON text. What does not fit is NULL in its column
    and stands, like every key without a column, in `_rescued_data`, with the source file as `_file_path`. A
    corrupt record has its text in `_corrupt_record` and nothing else.

    Args:
        records: What was read from one file.
        columns: Columns with unlike names.
        source_file: The path to note beside rescued values.
        rescue: Whether what does not fit is kept at all.
    """
    rows, corrupt = _parted(records)
    misfits: dict[int, list[str]] = {}
    arrays = [_array(rows, column, misfits) for column in columns]
    rescued = _rescued(rows, columns, misfits, source_file) if rescue else [None] * len(rows)
    return pa.RecordBatch.from_arrays(
        [*arrays, pa.array(rescued, pa.string()), pa.array(corrupt, pa.string())],
        names=[*(column.name for column in columns), "_rescued_data", "_corrupt_record"],
    )


def _parted(records: Sequence[Record]) -> tuple[Sequence[dict[str, Any]], list[str | None]]:
    if Corrupt not in set(map(type, records)):
        return records, [None] * len(records)  # type: ignore[return-value]  # none of them is corrupt
    rows = [{} if isinstance(record, Corrupt) else record for record in records]
    return rows, [record.text if isinstance(record, Corrupt) else None for record in records]


def _array(rows: Sequence[dict[str, Any]], column: Column, misfits: dict[int, list[str]]) -> pa.Array:
    """Return a column's values, and note the rows whose value does not fit."""
    name = column.name
    values = [row.get(name) for row in rows]
    if set(map(type, values)) <= _EXACT_KINDS[column.type]:
        try:
            return pa.array(values, column.arrow_type)
        except (pa.ArrowInvalid, UnicodeEncodeError):  # an integer too large, a lone surrogate
            pass
    fit = FITTINGS[column.type]
    fitted = [None if value is None else fit(value) for value in values]
    for index, value in enumerate(fitted):
        if value is MISFIT:
            misfits.setdefault(index, []).append(name)
            fitted[index] = None
    return pa.array(fitted, column.arrow_type)


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
        values = {key: value for key, value in rows[index].items() if key not in names or key in unfit}
        rescued[index] = _rescued_text(values, source_file)
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
