"""The fast reader of regular JSON text, used only where it provably reads the text right."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.records.values import MAX_DEPTH, Taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_Objects = list[dict[str, Any]]
_BLANKS = b" \t\r\n"
SEPARATORS = _BLANKS + b",[]"
# orjson turns integers beyond 64 bits into floats, which loses digits.
_SMALLEST_SUSPECT = 2.0**63
# The first object of a block, up to its first key; no text holds a quote that is not escaped.
OPENER = re.compile(rb'[ \t\r\n,\[\]]*(\{[ \t\r\n]*"[^"\\]*")')
_MINUS_ZERO = re.compile(rb"-0(?![0-9.eE])")


def take_lines(block: bytes, final: bool, numbers: AbstractSet[str] = frozenset()) -> Taken | None:
    """Take the objects of a block's whole lines, or refuse the block; see `read_lines`."""
    end = len(block) if final else block.rfind(b"\n") + 1
    objects = read_lines(block[:end], numbers)
    return None if objects is None else Taken([*objects], block[end:])


def take_elements(block: bytes, final: bool, numbers: AbstractSet[str] = frozenset()) -> Taken | None:
    """Take a block's objects up to the last one that ends in it, or refuse the block; see `read_elements`."""
    for end in _ends(block, final):
        objects = read_elements(block[:end], numbers)
        if objects is not None:
            return Taken([*objects], block[end:])
    return None


def _ends(block: bytes, final: bool) -> Iterator[int]:
    """Yield where the last object that is whole in a block may end: first before one that begins as the first does.

    The last brace in a block may be one of an object within an object.
    """
    first = OPENER.match(block)
    if first is not None and not final:
        begin = block.rfind(first[1])
        if begin > first.start(1):
            yield begin
    end = block.rfind(b"}") + 1
    if end:
        yield end


def read_lines(block: bytes, numbers: AbstractSet[str] = frozenset()) -> _Objects | None:
    """Return the objects of whole lines that are all objects, or all arrays of objects.

    None where the block is not that, where it could hold anything but these objects with unlike keys, or where a number
    could lose digits that matter.

    Args:
        block: Whole lines.
        numbers: Keys of which only the number counts, not its digits.
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
    is_written_alike = _is_written_alike(elements, block)
    if opener == b"[":
        if set(map(type, elements)) != {list}:
            return None
        elements = list(chain.from_iterable(elements))
    if is_written_alike:
        return elements if set(map(type, elements)) <= {dict} else None
    return elements if _is_faithful(elements, block, numbers, allow_nested_in_arrays=not line_ends) else None


def read_elements(block: bytes, numbers: AbstractSet[str] = frozenset()) -> _Objects | None:
    """Return the objects of a block that holds nothing but objects with commas between them.

    The block may begin and end with brackets and commas of an array that others continue. Else as `read_lines`.
    """
    block = block.strip(SEPARATORS)
    elements = _parsed(block)
    if elements is None:
        return None
    if set(map(type, elements)) <= {dict} and _is_written_alike([elements], b"[%b]" % block, _BLANKS):
        return elements
    return elements if _is_faithful(elements, block, numbers, allow_nested_in_arrays=True) else None


def _parsed(elements: bytes) -> list[Any] | None:
    try:
        parsed: list[Any] = orjson.loads(b"[%b]" % elements)
    except orjson.JSONDecodeError:
        return None
    return parsed


def _is_written_alike(values: list[Any], block: bytes, blanks: bytes = b" \t\r") -> bool:
    """Return whether values on lines of their own are the block but for blanks, so that nothing of it was lost."""
    try:
        written = b"\n".join(map(orjson.dumps, values))
    except TypeError:  # too deep
        return False
    return written.translate(None, blanks) == block.translate(None, blanks)


def _is_faithful(elements: list[Any], block: bytes, numbers: AbstractSet[str], *, allow_nested_in_arrays: bool) -> bool:
    """Return whether elements are objects that lost neither a key nor a digit that matters of their block.

    A repeated key is one that the block holds and its object does not; so it shows in the number of quotes.
    """
    if b"\\\\" in block or _MINUS_ZERO.search(block):
        return False
    quotes = block.count(b'"') - (block.count(b'\\"') if b"\\" in block else 0)
    if not set(map(type, elements)) <= {dict}:
        return False
    texts = 0
    dicts: _Objects = elements
    lists: list[list[Any]] = []
    for level in range(MAX_DEPTH):
        texts += sum(map(len, dicts))
        items = list(chain.from_iterable(lists))
        values = list(chain(chain.from_iterable(map(dict.values, dicts)), items))
        types = list(map(type, values))
        kinds = set(types)
        texts += types.count(str)
        if float in kinds:
            floats = [value for value in values if type(value) is float]
            if level or _may_lack_digits(floats) or len(floats) != _floats_in(elements, numbers):
                return False
        if not kinds & {dict, list}:
            return quotes == 2 * texts
        if not allow_nested_in_arrays and set(map(type, items)) & {dict, list}:
            return False
        dicts = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
    return False


def _floats_in(objects: _Objects, keys: AbstractSet[str]) -> int:
    return sum(type(each.get(key)) is float for key in keys for each in objects)


def _may_lack_digits(floats: list[float]) -> bool:
    return max(floats) >= _SMALLEST_SUSPECT or min(floats) <= -_SMALLEST_SUSPECT
