"""Columns made of Python's values without a look at each, where every value is as its column's type has it."""

from __future__ import annotations

from itertools import accumulate, chain
from types import NoneType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # Returns a column of a simple type, or None where a value does not fit it.
    Otherwise = Callable[[Sequence[Any], pa.DataType], pa.Array | None]

# The kinds of value that Arrow takes exactly as they are, or refuses: integers too large for the column raise.
_KINDS: Mapping[pa.DataType, set[type]] = {
    pa.string(): {str, NoneType},
    pa.float64(): {float, int, NoneType},
    pa.bool_(): {bool, NoneType},
    pa.int64(): {int, NoneType},
    pa.int32(): {int, NoneType},
}


def exact_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array | None:
    """Return a column of a simple type, or None where a value is not exactly of this type.

    Args:
        values: Values as JSON has them.
        kind: The column's type.
    """
    if not set(map(type, values)) <= _KINDS.get(kind, set()):
        return None
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):  # an integer too large, a lone surrogate
        return None


def nested_array(values: Sequence[Any], kind: pa.DataType, otherwise: Otherwise) -> pa.Array | None:
    """Return a column of any type, or None where a value does not fit it, or only after closer inspection.

    Args:
        values: Values as JSON has them.
        kind: The column's type.
        otherwise: Makes the simple columns of which it consists where their values are not exactly of their types.
    """
    if not pa.types.is_nested(kind):
        array = exact_array(values, kind)
        return otherwise(values, kind) if array is None else array
    if not set(map(type, values)) <= {list if pa.types.is_list(kind) else dict, NoneType}:
        return None
    if pa.types.is_struct(kind):
        return _struct_array(values, kind, otherwise)
    if pa.types.is_map(kind):
        return _map_array(values, kind, otherwise)
    items = nested_array(list(chain.from_iterable(filter(None, values))), kind.value_type, otherwise)
    return None if items is None else pa.ListArray.from_arrays(_offsets(values), items, kind, mask=_missing(values))


def _map_array(values: Sequence[Any], kind: pa.DataType, otherwise: Otherwise) -> pa.Array | None:
    if kind.key_type != pa.string():
        return None
    there = list(filter(None, values))
    keys = exact_array(list(chain.from_iterable(there)), kind.key_type)
    items = nested_array(list(chain.from_iterable(map(dict.values, there))), kind.item_type, otherwise)
    if keys is None or items is None:
        return None
    return pa.MapArray.from_arrays(_offsets(values), keys, items, kind, mask=_missing(values))


def _struct_array(values: Sequence[Any], kind: pa.DataType, otherwise: Otherwise) -> pa.Array | None:
    if not {field.name for field in kind}.issuperset(chain.from_iterable(filter(None, values))):
        return None
    children = []
    for field in kind:
        name = field.name
        child = nested_array([value.get(name) if value else None for value in values], field.type, otherwise)
        if child is None:
            return None
        children.append(child)
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=_missing(values))


def _missing(values: Sequence[Any]) -> pa.Array:
    return pa.array([value is None for value in values], pa.bool_())


def _offsets(values: Sequence[Any]) -> pa.Array:
    """Return where the items of each value begin among those of all."""
    return pa.array(list(accumulate((len(value) if value else 0 for value in values), initial=0)), pa.int32())
