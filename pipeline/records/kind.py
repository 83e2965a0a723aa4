"""What the values of a key are, and the type of the column that holds them all."""

from __future__ import annotations

import re
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Any, Literal, Union

import pyarrow as pa

from pipeline.records.fitting import MISFIT, fitting_of
from pipeline.records.sql_type import arrow_type, can_name_column, sql_type_of
from pipeline.records.values import Corrupt, RawNumber, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.records.columns import Column

Inference = Literal["scalars", "all", "none"]
# A name, the kinds of an object's members, the kind of an array's items in a list, or None for what only waits: null.
# Names are types of columns, and `large`: a BIGINT that a double does not hold.
Kind = Union[str, "dict[str, Kind]", "list[Kind]", None]

_LARGE = "large"
NUMBERS: tuple[Kind, ...] = ("double", "bigint", _LARGE)
# Up to here a double holds every integer.
_LAST_EXACT = 2**53
_MOST_DIGITS, _LONGEST_BIGINT = 16, 19
_INTEGER = re.compile("[+-]?0*([0-9]*)")
_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
# A column with more fields holds keys that are values, such as names of devices.
_MOST_FIELDS = 200
# Deeper values are texts: Spark's own functions go into each level of a type by recursion.
_MOST_LEVELS = 30
_WIDER = {
    frozenset({"bigint", _LARGE}): _LARGE,
    frozenset({"bigint", "double"}): "double",
    frozenset({"date", "timestamp"}): "timestamp",
    # Of files that give the types of their columns.
    **{frozenset(pair): pair[1] for pair in combinations(("tinyint", "smallint", "int", _LARGE), 2)},
    **{frozenset(pair): "double" for pair in product(("tinyint", "smallint", "int", "float"), ("float", "double"))},
}
_IN_TEXTS = ("date", "timestamp")


def kinds_of(inference: Inference, *, only_texts: bool = False) -> Callable[[Any], Kind]:
    """Return the function that says what a value is.

    Args:
        inference: Which types new columns may have.
        only_texts: Whether the format knows nothing but texts, so that a text may spell a number or a truth.
    """
    if inference == "none":
        return lambda value: None if value is None else "string"
    if only_texts:
        return _spelled_scalar if inference == "scalars" else _spelled
    return _scalar if inference == "scalars" else _any


def merged(first: Kind, second: Kind) -> Kind:
    """Return what values of both kinds are; in any order of merging the same."""
    if first == second or second is None:
        return first
    if first is None:
        return second
    if isinstance(first, dict) and isinstance(second, dict) and len(first) <= _MOST_FIELDS:
        return {key: merged(first.get(key), second.get(key)) for key in {**first, **second}}
    if isinstance(first, list) and isinstance(second, list):
        return [merged(first[0], second[0])]
    if isinstance(first, str) and isinstance(second, str):
        return _WIDER.get(frozenset({first, second}), "string")
    return "string"


def column_type(kind: Kind) -> str | None:
    """Return the type of the column that holds all values of a kind, or None while all of them are null."""
    return None if kind is None else sql_type_of(_arrow_type(kind))


def _arrow_type(kind: Kind) -> pa.DataType:
    if isinstance(kind, list):
        return pa.list_(pa.field("element", _arrow_type(kind[0])))
    if isinstance(kind, dict):
        names = {key.lower() for key in kind if can_name_column(key)}
        if not kind or len(names) < len(kind) or len(kind) > _MOST_FIELDS:
            return pa.string()
        return pa.struct([(key, _arrow_type(of_key)) for key, of_key in kind.items()])
    return arrow_type("bigint" if kind == _LARGE else kind or "string")


def _scalar(value: Any) -> Kind:
    if value is None or isinstance(value, bool):
        return None if value is None else "boolean"
    if isinstance(value, float):
        return "double"
    if isinstance(value, int):
        return "double" if -_LAST_EXACT <= value <= _LAST_EXACT else "string"
    return _long_number(value) if isinstance(value, RawNumber) else "string"


def _any(value: Any, levels: int = _MOST_LEVELS) -> Kind:
    if isinstance(value, dict | list) and not levels:
        return "string"
    if isinstance(value, dict) and len(value) > _MOST_FIELDS:
        return "string"
    if isinstance(value, dict):
        return {key: _any(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        kind: Kind = None
        for item in value:
            kind = merged(kind, _any(item, levels - 1))
        return [kind]
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value)
    return _of_text(value, _IN_TEXTS) if isinstance(value, str) else _scalar(value)


def _spelled_scalar(value: Any) -> Kind:
    kind = _of_text(value, ("boolean", "double"))
    return "string" if kind == "double" and _is_large(value) else kind


def _spelled(value: Any) -> Kind:
    kind = _of_text(value, ("boolean", "double", "bigint", *_IN_TEXTS))
    match = _INTEGER.fullmatch(value.strip()) if kind in ("double", "bigint") else None
    if match is None:
        return kind
    return _integer(int(value)) if len(match[1]) <= _LONGEST_BIGINT else "string"


def _of_text(text: str | None, types: tuple[str, ...]) -> Kind:
    return None if text is None else next((name for name in types if fitting_of(name)(text) is not MISFIT), "string")


def _integer(value: int) -> Kind:
    if -_LAST_EXACT <= value <= _LAST_EXACT:
        return "bigint"
    return _LARGE if fitting_of("bigint")(value) is not MISFIT else "string"


def _is_large(text: str) -> bool:
    """Return whether a text spells an integer beyond 2^53."""
    match = _INTEGER.fullmatch(text.strip())
    return match is not None and (len(match[1]) > _MOST_DIGITS or int(match[1] or 0) > _LAST_EXACT)


def _long_number(number: RawNumber) -> Kind:
    """Return the kind of a number that is not written as a float would be."""
    if number.text in _NOT_NUMBERS:
        return None
    fits = fitting_of("double")(number) is not MISFIT and not _is_large(number.text)
    return "double" if fits else "string"


def observe_keys(
    records: Sequence[Record], columns: Sequence[Column], kind_of: Callable[[Any], Kind]
) -> dict[str, Kind]:
    """Return every key without a column, in order of appearance, with the kind of all its values."""
    names = {column.name for column in columns}
    rows = [record for record in records if not isinstance(record, Corrupt)]
    observed: dict[str, Kind] = {}
    if names.issuperset(chain.from_iterable(rows)):
        return observed
    for row in rows:
        if row.keys() <= names:
            continue
        for key, value in row.items():
            if key not in names and (key not in observed or observed[key] != "string"):
                observed[key] = merged(observed.get(key), kind_of(value))
    return observed
