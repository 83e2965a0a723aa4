"""The quick reader of regular JSON text, taken only where it provably reads what stands there."""

from __future__ import annotations

from itertools import chain
from typing import Any

import orjson

from pipeline.ingest.values import MAX_DEPTH

_Objects = list[dict[str, Any]]
_BLANKS = b" \t\r\n"
_SEPARATORS = _BLANKS + b",[]"
# orjson turns integers beyond 64 bits into floats, which loses digits.
_SMALLEST_SUSPECT = 2.0**63


def read_lines(block: bytes) -> _Objects | None:
    """Return the objects of whole lines that are all objects, or all arrays of objects.

    None where the block is not that, or where it could hold anything but these objects with unlike keys.
    """
    block = block.rstrip(_BLANKS)
    opener = block[:1]
    line_ends = block.count(b"\n")
    if opener not in (b"{", b"[") or block.count(b"\n" + opener) != line_ends:
        return None
    # With the line end kept beside the comma no text can reach over it, so each line's opener is one in the
    # JSON sense; `_is_faithful` sees to it that none of them stands inside a value.
    elements = _parsed(block.replace(b"\n", b"\n,"))
    if elements is None or len(elements) != line_ends + 1:
        return None
    if opener == b"[":
        if set(map(type, elements)) != {list}:
            return None
        elements = list(chain.from_iterable(elements))
    return elements if _is_faithful(elements, block, allow_nested_in_arrays=not line_ends) else None


def read_elements(block: bytes) -> _Objects | None:
    """Return the objects of a block that holds nothing but objects with commas between them.

    The block may begin and end with brackets and commas of an array that others continue. None where it is
    not that, or where it could hold anything but these objects with unlike keys.
    """
    elements = _parsed(block.strip(_SEPARATORS))
    return elements if elements is not None and _is_faithful(elements, block, allow_nested_in_arrays=True) else None


def _parsed(elements: bytes) -> list[Any] | None:
    try:
        parsed: list[Any] = orjson.loads(b"[%b]" % elements)
    except orjson.JSONDecodeError:
        return None
    return parsed


def _is_faithful(elements: list[Any], block: bytes, *, allow_nested_in_arrays: bool) -> bool:
    """Tell whether elements are objects that lost neither a key nor a digit of what their block spells.

    A repeated key is one that the block holds and its object does not; so it shows in the number of quotes.
    """
    if b"\\\\" in block:
        return False
    quotes = block.count(b'"') - (block.count(b'\\"') if b"\\" in block else 0)
    if not set(map(type, elements)) <= {dict}:
        return False
    texts = 0
    dicts: _Objects = elements
    lists: list[list[Any]] = []
    for _ in range(MAX_DEPTH):
        texts += sum(map(len, dicts))
        items = list(chain.from_iterable(lists))
        values = list(chain(chain.from_iterable(map(dict.values, dicts)), items))
        types = list(map(type, values))
        kinds = set(types)
        texts += types.count(str)
        if float in kinds and _may_lack_digits([value for value in values if type(value) is float]):
            return False
        if not kinds & {dict, list}:
            return quotes == 2 * texts
        if not allow_nested_in_arrays and set(map(type, items)) & {dict, list}:
            return False
        dicts = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
    return False


def _may_lack_digits(floats: list[float]) -> bool:
    return max(floats) >= _SMALLEST_SUSPECT or min(floats) <= -_SMALLEST_SUSPECT
