"""The exact reader of JSON text that is not regular: good records, and the text between them."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.records.encoding import holds_kept_bytes
from pipeline.records.long_record import corrupt
from pipeline.records.options import AS_USUAL
from pipeline.records.values import MAX_DEPTH, RawNumber, Taken

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pipeline.records.blocks import BlockReader
    from pipeline.records.values import Record

_BLANK = " \t\r\n\ufeff"
_SEPARATORS = re.compile(rf"[{_BLANK},\[\]]*+")
_BYTES_OF_SEPARATORS = re.compile(rb"(?:[ \t\r\n,\[\]]++|\xef\xbb\xbf)*+")
_SCALAR = re.compile(
    r"""(?:"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"
       |-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?
       |true|false|null|NaN|-?Infinity)
       (?=[ \t\ufeff]*+(?:[,\]\r\n]|(?P<end>\Z)))""",
    re.VERBOSE,
)
_OPEN_TEXT = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+\\?\Z')
# A line that begins a record, or a place where an object may begin that parses.
_STRETCH_END = re.compile(
    r"""(?P<line>[\r\n][ \t\ufeff]*+(?=[{\[]))
       |[,\[\]][ \t\ufeff]*+(?=\{[ \t\r\n]*+["}])""",
    re.VERBOSE,
)
_BRACKETS_AND_TEXTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[{}\[\]]', re.DOTALL)
# An error this near to the end of an unfinished text may be due to the rest of a word that has not come yet.
_LONGEST_WORD = len("-Infinity") + 7
# What orjson takes as an integer.
_INTEGERS = range(-(2**63), 2**64)
_LONGEST_INTEGER = 20


class _UndecidedError(Exception):
    """What the text holds depends on what follows it."""


class _UncountedText(str):
    """Text whose parse errors cost nothing: JSONDecodeError counts all lines before the error otherwise."""

    __slots__ = ()

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


class _Scanner:
    """One pass over a text; its cost grows with the text's length, whatever is broken in it."""

    def __init__(self, text: str, final: bool, most: int) -> None:
        self._text = text
        self._most = most
        self._uncounted = _UncountedText(text)
        self._final = final
        self._repeats_key = False
        self._has_kept_bytes = holds_kept_bytes(text)
        # Where objects begin that are known not to parse; else nested broken ones would be parsed many times.
        self._refused: set[int] = set()
        self._decode = JSONDecoder(
            object_pairs_hook=self._object_of,
            parse_float=_float_of,
            parse_int=_integer_of,
            parse_constant=RawNumber,
        ).raw_decode

    def records(self) -> tuple[list[Record], int]:
        records: list[Record] = []
        at = _end_of_separators(self._text, 0)
        try:
            while at < len(self._text):
                record, end = self._record(at)
                records.append(record)
                at = _end_of_separators(self._text, end)
        except _UndecidedError:
            pass
        return records, at

    def _record(self, at: int) -> tuple[Record, int]:
        if self._text[at] == "{":
            found = self._object(at)
            if found:
                return found
        elif scalar := _SCALAR.match(self._text, at):
            if scalar["end"] is not None and not self._final:
                raise _UndecidedError
            return corrupt(scalar[0], self._most), scalar.end()
        elif not self._final and _OPEN_TEXT.match(self._text, at):
            raise _UndecidedError
        end = self._stretch_end(at)
        return corrupt(_trimmed(self._text[at:end]), self._most), end

    def _stretch_end(self, at: int) -> int:
        for place in _STRETCH_END.finditer(self._text, at):
            if place["line"] or self._object(place.end()):
                return place.end()
        if not self._final:
            raise _UndecidedError
        return len(self._text)

    def _object(self, at: int) -> tuple[Record, int] | None:
        """Return the object that begins at a place and where it ends, or None when it does not parse."""
        if at in self._refused:
            return None
        self._repeats_key = False
        try:
            value, end = self._decode(self._uncounted, at)
        except JSONDecodeError as error:
            unended = error.msg.startswith("Unterminated") or error.pos > len(self._text) - _LONGEST_WORD
            if unended and not self._final:
                raise _UndecidedError from None
            self._refuse_unclosed(at, error.pos)
            return None
        except RecursionError:
            self._refuse_deep(at)
            return None
        if self._opens(at, end) > MAX_DEPTH:
            self._refuse_deep(at)
            if at in self._refused:
                return None
        if self._repeats_key or (self._has_kept_bytes and holds_kept_bytes(self._text, at, end)):
            return corrupt(self._text[at:end], self._most), end
        return value, end

    def _opens(self, at: int, end: int) -> int:
        if end - at <= 2 * MAX_DEPTH:
            return 0
        return self._text.count("{", at, end) + self._text.count("[", at, end)

    def _refuse_unclosed(self, at: int, broken_at: int) -> None:
        """Note that what is open where parsing broke off would break off there as well."""
        unclosed: list[int] = []
        for token in _BRACKETS_AND_TEXTS.finditer(self._text, at, broken_at):
            if token[0] in "{[":
                unclosed.append(token.start())
            elif token[0] in "}]":
                unclosed.pop()
        self._refused.update(unclosed)

    def _refuse_deep(self, at: int) -> None:
        """Note all objects from a place on, to where it closes, that hold more than `MAX_DEPTH` levels."""
        unclosed: list[int] = []
        for token in _BRACKETS_AND_TEXTS.finditer(self._text, at):
            if token[0] in "{[":
                unclosed.append(token.start())
                if len(unclosed) > MAX_DEPTH:
                    self._refused.add(unclosed[-MAX_DEPTH - 1])
            elif token[0] in "}]":
                unclosed.pop()
                if not unclosed:
                    return

    def _object_of(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            self._repeats_key = True
        return value


def take_exactly(
    blocks: BlockReader, most: int, block: bytes, final: bool, _numbers: AbstractSet[str] = frozenset()
) -> Taken:
    """Take every record of a block that what follows cannot change; it begins outside of any record.

    Args:
        blocks: What the block was read from.
        most: The longest text of a record that is kept.
        block: The text.
        final: Whether nothing follows.
    """
    # A line's and an object's end are ASCII, so no character is cut in two.
    begin = _BYTES_OF_SEPARATORS.match(block).end()  # type: ignore[union-attr]  # it matches no bytes too
    end = len(block) if final else max(begin, block.rfind(b"\n") + 1, block.rfind(b"}") + 1)
    text = blocks.text(block[begin:end])
    records, settled = scan_records(text, final=final, most=most)
    return Taken(records, blocks.bytes_of(text[settled:]) + block[end:])


def scan_records(text: str, *, final: bool = True, most: int = AS_USUAL.max_record_bytes) -> tuple[list[Record], int]:
    """Return the records of a text in order, and how many characters they settle.

    Nothing is lost: every character but the blanks, commas and brackets between records is in one of them. An
    object that repeats a key, at any depth, or holds bytes that are not characters is corrupt as a whole. Objects
    with more than `MAX_DEPTH` levels do not parse.

    Args:
        text: JSON text that begins outside of any record.
        final: Whether nothing follows. Otherwise the text from the first record on that what follows might
            change is left unsettled.
        most: The longest text of a record that is kept.
    """
    return _Scanner(text, final, most).records()


def _end_of_separators(text: str, at: int) -> int:
    match = _SEPARATORS.match(text, at)
    return match.end() if match else at


def _trimmed(stretch: str) -> str:
    """Return a stretch without the separators after it: blanks, one comma and the enclosing arrays' ends.

    A comma inside an object that was never closed is the object's own.
    """
    commas = 1 if stretch.count("{") <= stretch.count("}") else 0
    array_ends = stretch.count("]") - stretch.count("[")
    end = len(stretch)
    while end:
        last = stretch[end - 1]
        if last == "," and commas > 0:
            commas -= 1
        elif last == "]" and array_ends > 0:
            array_ends -= 1
        elif last not in _BLANK:
            break
        end -= 1
    return stretch[:end]


def _float_of(text: str) -> float | RawNumber:
    value = float(text)
    return value if orjson.dumps(value) == text.encode() else RawNumber(text)


def _integer_of(text: str) -> int | RawNumber:
    if len(text) <= _LONGEST_INTEGER and text != "-0" and (value := int(text)) in _INTEGERS:
        return value
    return RawNumber(text)
