"""Whole columns that Arrow would read wrongly, or not at all: it reads them as another type, and they become theirs."""

from __future__ import annotations

import binascii
import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_EXACT = 2.0**53
_DIGITS_OF_256_BITS = 76
# A number with fewer can be given as many as 38 digits behind its point.
_DIGITS_THAT_MAY_OVERFLOW = 38
_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_EXPONENT = re.compile(rb"""[:\[,\s"][+-]?[0-9.]+[eE]\+?[0-9]{2}""")
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_LOCAL_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?$"


class UnfitError(Exception):
    """A value is not as its column has it, or is only after closer inspection."""


@cache
def read_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that Arrow is to read for a column of a type; a map is read as a list of its entries."""
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, read_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", read_type(kind.key_type)), ("value", read_type(kind.item_type))]))
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", read_type(kind.value_type)))
    if pa.types.is_decimal(kind):
        # Arrow does not notice when 128 bits overflow.
        return pa.decimal256(_DIGITS_OF_256_BITS, kind.scale)
    return _CONVERSIONS[kind][0] if kind in _CONVERSIONS else kind


def converted(read: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the column of a type, made of what Arrow has read.

    Raises:
        UnfitError: A value is not as the type has it, or would lose a digit.
        ArrowInvalid: The same.
    """
    if read.type == kind:
        return read
    if pa.types.is_struct(kind):
        children = [converted(child, field.type) for child, field in zip(read.flatten(), kind, strict=True)]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=read.is_null())
    missing = read.is_null()
    if pa.types.is_map(kind):
        keys, items = read.values.flatten()
        keys, items = converted(keys, kind.key_type), converted(items, kind.item_type)
        return pa.MapArray.from_arrays(read.offsets, keys, items, kind, mask=missing)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(read.offsets, converted(read.values, kind.value_type), kind, mask=missing)
    return _CONVERSIONS[kind][1](read) if kind in _CONVERSIONS else read.cast(kind)


def may_overflow(block: bytes) -> bool:
    """Return whether a block could have a decimal that 256 bits do not hold: Arrow does not notice that either."""
    alike = block.translate(_ALIKE)
    if b"0" * _DIGITS_THAT_MAY_OVERFLOW in alike:
        return True
    return (b"0e00" in alike or b"0e+00" in alike) and _LONG_EXPONENT.search(block) is not None


def _nearest_floats(numbers: pa.Array) -> pa.Array:
    """Return doubles as floats of 32 bits, each of which is shown with its number's digits."""
    nearest = numbers.cast(pa.float32(), safe=False)
    is_exact = pc.equal(nearest.cast(pa.float64()), numbers)
    is_alike = pc.equal(nearest.cast(pa.string()).cast(pa.float64()), numbers)
    may_round = pc.or_(pc.not_equal(pc.floor(numbers), numbers), pc.greater(pc.abs(numbers), _LAST_EXACT))
    fits = pc.and_(pc.or_(is_exact, pc.and_(is_alike, may_round)), pc.is_finite(nearest))
    if not pc.all(fits, min_count=0).as_py():
        raise UnfitError
    return nearest


def _dates(texts: pa.Array) -> pa.Array:
    if not pc.all(pc.match_substring_regex(texts, _DATE), min_count=0).as_py():
        raise UnfitError
    dates = texts.cast(pa.date32())
    if pc.any(pc.less(dates, pa.scalar(date.min)), min_count=0).as_py():
        raise UnfitError
    return dates


def _local_moments(texts: pa.Array) -> pa.Array:
    """Return moments without a zone: Arrow itself would turn a text with another zone than UTC into UTC."""
    if not pc.all(pc.match_substring_regex(texts, _LOCAL_MOMENT), min_count=0).as_py():
        raise UnfitError
    moments = pc.utf8_rtrim(texts, "Z").cast(pa.timestamp("us"))
    if pc.any(pc.less(moments, pa.scalar(date.min).cast(moments.type)), min_count=0).as_py():
        raise UnfitError
    return moments


def _bytes(texts: pa.Array) -> pa.Array:
    try:
        decoded = [None if text is None else binascii.a2b_base64(text, strict_mode=True) for text in texts.to_pylist()]
    except ValueError:
        raise UnfitError from None
    return pa.array(decoded, pa.binary())


_CONVERSIONS: dict[pa.DataType, tuple[pa.DataType, Callable[[pa.Array], pa.Array]]] = {
    pa.date32(): (pa.string(), _dates),
    pa.timestamp("us"): (pa.string(), _local_moments),
    pa.float32(): (pa.float64(), _nearest_floats),
    pa.binary(): (pa.string(), _bytes),
}
