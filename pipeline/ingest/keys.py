"""What records tell of keys that have no column yet."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.ingest.values import Corrupt, RawNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.ingest.columns import Column, ColumnType
    from pipeline.ingest.values import Record

_NUMBERS = (float, int, RawNumber)


def type_of(value: Any) -> ColumnType | None:
    """Return the type of the column that a value would found, or None for null, which waits."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    return "double" if isinstance(value, _NUMBERS) else "string"


def merged_type(first: ColumnType | None, second: ColumnType | None) -> ColumnType | None:
    """Return the type of a column that holds both: their common type, a string where they differ."""
    if first is None or second is None or first == second:
        return first or second
    return "string"


def observe_keys(
    records: Sequence[Record], columns: Sequence[Column], value_type: Callable[[Any], ColumnType | None] = type_of
) -> dict[str, ColumnType | None]:
    """Return every key that is no column, in order of appearance, with the type of all its values."""
    names = {column.name for column in columns}
    rows = [record for record in records if not isinstance(record, Corrupt)]
    observed: dict[str, ColumnType | None] = {}
    if names.issuperset(chain.from_iterable(rows)):
        return observed
    for row in rows:
        if row.keys() <= names:
            continue
        for key, value in row.items():
            if key not in names and (key not in observed or observed[key] != "string"):
                observed[key] = merged_type(observed.get(key), value_type(value))
    return observed
