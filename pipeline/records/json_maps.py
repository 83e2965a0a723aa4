"""Objects with any keys, read by Arrow as structs of the keys that it meets, as columns of maps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.records.conversion import UnfitError, converted

# A struct has a place for each of its keys in every row: with more keys than this, maps are read one by one.
MOST_KEYS = 64
_ITEMS = frozenset({pa.string(), pa.float64(), pa.bool_(), pa.int64(), pa.int32()})


def is_readable(kind: pa.DataType) -> bool:
    """Return whether columns of a type may be read here: maps from texts to texts, numbers or truth values."""
    return bool(pa.types.is_map(kind)) and kind.key_type == pa.string() and kind.item_type in _ITEMS


def map_array(objects: pa.Array, kind: pa.MapType) -> pa.Array:
    """Return objects as maps, each with its keys in the order in which the block has them first.

    Args:
        objects: Structs without a null among the values that the text has: what is null is a key that it lacks.
        kind: A type that `is_readable`.

    Raises:
        UnfitError: A value is not as the type has it, or there are too many keys.
        ArrowInvalid: The same.
    """
    if pa.types.is_null(objects.type):
        return pa.nulls(len(objects), kind)
    if not pa.types.is_struct(objects.type) or objects.type.num_fields > MOST_KEYS:
        raise UnfitError
    fields = [_items(child, kind.item_type) for child in objects.flatten()]
    names = pa.array([field.name for field in objects.type], kind.key_type)
    is_there = np.array([field.is_valid().to_numpy(zero_copy_only=False) for field in fields], bool)
    rows, keys = np.nonzero(is_there.reshape(len(fields), len(objects)).T)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(objects)))])
    items = pa.concat_arrays([pa.array([], kind.item_type), *fields]).take(pa.array(keys * len(objects) + rows))
    taken = names.take(pa.array(keys))
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), taken, items, kind, mask=objects.is_null())


def _items(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the values of one key as a map's items.

    Raises:
        UnfitError: Arrow has taken them for something else, such as texts for moments.
    """
    is_whole = pa.types.is_int64(values.type)
    is_alike = values.type == kind or (is_whole and (pa.types.is_float64(kind) or pa.types.is_int32(kind)))
    if not is_alike and not pa.types.is_null(values.type):
        raise UnfitError
    return converted(values, kind)
