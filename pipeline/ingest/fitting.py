"""Which single values a column of each type takes, and as what."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.ingest.values import RawNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What a fitting returns for a value that its column does not take.
MISFIT = object()

_BLANKS = " \t\r\n"
# Numbers as JSON writes them: "+5", "007", ".5", "1_000", "1d" and "0x1" are as likely codes as numbers.
_NUMBER = re.compile(r"(?P<integer>-?(?:0|[1-9][0-9]*))(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_SURROGATE = re.compile("[\ud800-\udfff]")


def json_text(value: Any) -> str:
    """Return a value as compact JSON, numbers that are not finite as texts; lone surrogates stay escaped."""
    try:
        return orjson.dumps(value, default=_raw_text, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:  # an integer beyond 64 bits or a lone surrogate
        text = json.dumps(value, default=_raw_text, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def without_surrogates(text: str) -> str:
    """Return a text that UTF-8 can hold: each lone surrogate replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _raw_text(value: Any) -> str:
    if isinstance(value, RawNumber):
        return value.text
    raise TypeError(type(value).__name__)


def _as_double(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value
    if kind is int:
        return _exact_double(value)
    if kind is str and (match := _NUMBER.fullmatch(value.strip(_BLANKS))):
        number = float(match[0])
        if isfinite(number):
            return number if match["rest"] else _exact_double(int(match["integer"]))
    return MISFIT


def _exact_double(value: int) -> Any:
    try:
        number = float(value)
    except OverflowError:
        return MISFIT
    return number if number == value else MISFIT


def _as_boolean(value: Any) -> Any:
    if type(value) is bool:
        return value
    return {"true": True, "false": False}.get(value, MISFIT) if type(value) is str else MISFIT


def _as_string(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return without_surrogates(value)
    if kind is RawNumber:
        return str(value.text)
    if kind is float or kind is int:
        return repr(value)
    return json_text(value)


FITTINGS: Mapping[str, Callable[[Any], Any]] = {
    "string": _as_string,
    "double": _as_double,
    "boolean": _as_boolean,
}
