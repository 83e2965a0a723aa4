"""Which single values a column of each type takes, and as what."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import cache
from math import isfinite
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.records.sql_type import arrow_type
from pipeline.records.values import RawNumber, json_text, without_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable

    Fitting = Callable[[Any], Any]

# What a fitting returns for a value that its column does not take.
MISFIT = object()

_BLANKS = " \t\r\n"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?P<fraction>\.[0-9]*)?|(?P<bare>\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}(?::[0-9]{2}(?::[0-9]{2})?)?)(?:\.(?P<fraction>[0-9]+))?"
    r" ?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECOND_DIGITS = 6
# A number that no column of integers or decimals holds.
_MOST_DIGITS = 80
_EXACT = Context(prec=2 * _MOST_DIGITS)
# A double holds every integer of so many digits.
_EXACT_DIGITS = 15
_LAST_EXACT = 2**53
# A float of 32 bits is shown with the fewest digits that no other one is shown with: mostly 6, at most 9.
_FLOAT_DIGITS = range(6, 10)


@cache
def fitting_of(sql_type: str) -> Fitting:
    """Return what a column of a type takes: from a value that is not None to the column's value, or to `MISFIT`.

    Nothing is rounded but what a DOUBLE rounds by its nature: a value that would lose a digit does not fit.
    """
    return _fitting(arrow_type(sql_type))


def _fitting(kind: pa.DataType) -> Fitting:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if pa.types.is_integer(kind):
        greatest = 2 ** (kind.bit_width - 1)
        return lambda value: _as_integer(value, range(-greatest, greatest))
    if pa.types.is_decimal(kind):
        return lambda value: _as_decimal(value, kind.precision, kind.scale)
    if pa.types.is_struct(kind):
        fields = {field.name: _fitting(field.type) for field in kind}
        return lambda value: _as_struct(value, fields)
    if pa.types.is_map(kind):
        key, item = _fitting(kind.key_type), _fitting(kind.item_type)
        return lambda value: _as_map(value, key, item)
    item = _fitting(kind.value_type)
    return lambda value: _as_list(value, item)


def _number_text(value: Any) -> str | None:
    """Return the decimal notation of a number, or of a text that spells one."""
    kind = type(value)
    if kind is int or kind is float:
        return repr(value)
    text = value.text if kind is RawNumber else value.strip(_BLANKS) if kind is str else ""
    return text if _NUMBER.fullmatch(text) else None


def _as_double(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value
    if kind is int:
        number = float(value)
        return number if number == value else MISFIT
    if (text := _number_text(value)) is None:
        return MISFIT
    number = float(text)
    # An integer is more often a name than a measurement: it keeps every digit or does not fit.
    is_exact = len(text) <= _EXACT_DIGITS or not text.lstrip("+-").isdigit() or Decimal(text) == Decimal(number)
    return number if is_exact and isfinite(number) else MISFIT


def _as_float(value: Any) -> Any:
    number = _as_double(value)
    if number is MISFIT:
        return MISFIT
    try:
        (nearest,) = unpack("f", pack("f", number))
    except OverflowError:
        return MISFIT
    if nearest == number:
        return number
    if number.is_integer() and abs(number) <= _LAST_EXACT:
        return MISFIT
    shortest = (float(f"{nearest:.{digits}g}") for digits in _FLOAT_DIGITS)
    as_shown = next((shown for shown in shortest if unpack("f", pack("f", shown)) == (nearest,)), None)
    return number if as_shown == number else MISFIT


def _exact(value: Any) -> Decimal | None:
    text = _number_text(value)
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return None
    return number if not number or -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS else None


def _as_integer(value: Any, allowed: range) -> Any:
    if type(value) is not int:
        number = _exact(value)
        if number is None or number != number.to_integral_value():
            return MISFIT
        value = int(number)
    return value if value in allowed else MISFIT


def _as_decimal(value: Any, precision: int, scale: int) -> Any:
    number = _exact(value)
    if number is None or (number and number.adjusted() >= precision - scale):
        return MISFIT
    cut = (number or Decimal(0)).quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    return cut if cut == number else MISFIT


def _as_boolean(value: Any) -> Any:
    if type(value) is bool:
        return value
    return {"true": True, "false": False}.get(value.strip(_BLANKS).lower(), MISFIT) if type(value) is str else MISFIT


def _as_string(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return without_surrogates(value)
    return str(value.text) if kind is RawNumber else json_text(value)


def _as_date(value: Any) -> Any:
    text = value.strip(_BLANKS) if type(value) is str else ""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else MISFIT
    except ValueError:
        return MISFIT


def _as_timestamp(value: Any) -> Any:
    """Return a moment in microseconds since 1970; a text without a zone is in UTC."""
    found = _MOMENT.fullmatch(value.strip(_BLANKS)) if type(value) is str else None
    if found is None:
        return MISFIT
    fraction = (found["fraction"] or "").rstrip("0")
    if len(fraction) > _MICROSECOND_DIGITS:
        return MISFIT
    zone = found["zone"] or "Z"
    text = f"{found['date']}T{found['time'] or '00:00'}{'+00:00' if zone == 'Z' else zone}"
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return MISFIT
    return (moment - _EPOCH) // _MICROSECOND + int(fraction.ljust(_MICROSECOND_DIGITS, "0"))


def _as_local_moment(value: Any) -> Any:
    """Return the same for a text without a zone, or with that of UTC: any other would be lost."""
    found = _MOMENT.fullmatch(value.strip(_BLANKS)) if type(value) is str else None
    is_local = found is not None and (found["zone"] or "Z").strip("+-0:") in {"", "Z"}
    return _as_timestamp(value) if is_local else MISFIT


def _as_binary(value: Any) -> Any:
    try:
        return binascii.a2b_base64(value, strict_mode=True) if type(value) is str else MISFIT
    except ValueError:
        return MISFIT


def _as_struct(value: Any, fields: dict[str, Fitting]) -> Any:
    if type(value) is not dict or any(key not in fields and item is not None for key, item in value.items()):
        return MISFIT
    fitted = {key: None if (item := value.get(key)) is None else fit(item) for key, fit in fields.items()}
    return MISFIT if MISFIT in fitted.values() else fitted


def _as_map(value: Any, key: Fitting, item: Fitting) -> Any:
    if type(value) is not dict:
        return MISFIT
    keys = [key(each) for each in value]
    items = [None if each is None else item(each) for each in value.values()]
    if MISFIT in keys or MISFIT in items or len(set(keys)) < len(keys):
        return MISFIT
    return list(zip(keys, items, strict=True))


def _as_list(value: Any, item: Fitting) -> Any:
    if type(value) is not list:
        return MISFIT
    items = [None if each is None else item(each) for each in value]
    return MISFIT if MISFIT in items else items


_SCALARS: dict[pa.DataType, Fitting] = {
    arrow_type("string"): _as_string,
    arrow_type("double"): _as_double,
    arrow_type("float"): _as_float,
    arrow_type("boolean"): _as_boolean,
    arrow_type("date"): _as_date,
    arrow_type("timestamp"): _as_timestamp,
    arrow_type("timestamp_ntz"): _as_local_moment,
    arrow_type("binary"): _as_binary,
}
