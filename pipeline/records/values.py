"""What a file's records are made of, and their text as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Union

import orjson

if TYPE_CHECKING:
    import pyarrow as pa

# Deeper nesting counts as text that cannot be parsed. orjson writes as many levels and no more; the other JSON
# libraries in use bear far more, so that all of them, in any call depth, judge a record alike.
MAX_DEPTH = 254
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_JSON = frozenset({"NaN", "Infinity", "-Infinity"})


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A record that is not a valid object.

    Attributes:
        text: The record as the file has it, without surrounding blanks and separators.
    """

    text: str


@dataclass(frozen=True, slots=True)
class RawNumber:
    """A number that would be written with other digits than it was sent with (`1.10`, `1e5`), or that is not finite.

    Attributes:
        text: The number as the file has it.
    """

    text: str


Record = dict[str, Any] | Corrupt
# Records one after another: each by itself, or all as rows because every value is as its column has it.
Piece = Union[list[Record], "pa.RecordBatch"]


class Taken(NamedTuple):
    """What a reader took from the beginning of a block.

    Attributes:
        records: The records.
        rest: The bytes that it left.
    """

    records: Piece
    rest: bytes


def json_text(value: Any) -> str:
    """Return a value as compact JSON: numbers as they were sent, `NaN` as a text; lone surrogates stay escaped."""
    try:
        return orjson.dumps(value, default=_as_sent, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:  # a lone surrogate
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", _text_with_surrogates(value))


def without_surrogates(text: str) -> str:
    """Return a text that UTF-8 can hold: each lone surrogate replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _as_sent(value: Any) -> Any:
    if isinstance(value, RawNumber):
        return value.text if value.text in _NOT_IN_JSON else orjson.Fragment(value.text)
    raise TypeError(type(value).__name__)


def _text_with_surrogates(value: Any) -> str:
    if isinstance(value, dict):
        members = [f"{_text_with_surrogates(key)}:{_text_with_surrogates(item)}" for key, item in value.items()]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join([_text_with_surrogates(item) for item in value]) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else json_text(value)
