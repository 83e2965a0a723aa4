"""JSON records that are too long to be collected: where they end, found piece by piece."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.records.encoding import shown
from pipeline.records.long_record import SHOWN_BYTES, corrupt, shortened, whole_characters
from pipeline.records.values import MAX_DEPTH, Corrupt

if TYPE_CHECKING:
    from pipeline.records.blocks import BlockReader

_PIECE_BYTES = 256 * 1024
_FIRST_PRINTABLE = 0x20
_B = rb"[ \t\r\n]*+"
_BLANKS = re.compile(_B)
_INNER = rb'[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+'
_TEXT = re.compile(_INNER)
_W = rb'[^\x00-\x20"\\{}\[\],:]'
_WORD = re.compile(_W + rb"*+")
_LEAF = rb'(?:"%b"|%b++|\{%b\}|\[%b\])' % (_INNER, _W, _B, _B)
# Whole runs of items or members that hold no others, each with the comma behind it: most of a long record's tokens.
_ITEMS = re.compile(rb"(?:%b%b%b,)++" % (_B, _LEAF, _B))
_MEMBERS = re.compile(rb'(?:%b"%b"%b:%b%b%b,)++' % (_B, _INNER, _B, _B, _LEAF, _B))
_LINE = rb"[\r\n](?:[ \t]|\xef\xbb\xbf)*+(?=[{\[])"
_OBJECT = rb'[,\[\]](?:[ \t]|\xef\xbb\xbf)*+(?=\{%b["}])' % _B
_LINE_START = re.compile(_LINE)
_STRETCH_END = re.compile(_LINE + rb"|" + _OBJECT)
_SEPARATORS = (b",", b"[", b"]", b"\r", b"\n")
_WHOLE_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MOST_VALUES = 1_000_000
_MANY = f"more than {_MOST_VALUES:,} values"
_QUOTE, _BACKSLASH = b'"\\'
_VALUE, _FIRST_ITEM, _ITEM, _FIRST_KEY, _KEY, _COLON, _AFTER = range(7)
_CLOSES = {ord("}"): ord("{"), ord("]"): ord("[")}


def take_long(blocks: BlockReader, most: int, *, keeps: bool = True) -> Corrupt:
    """Take the record that the next bytes begin, of which no more than a number of bytes is kept.

    An object ends where it closes. Where text breaks off being JSON, the record goes on up to a line that begins with
    `{` or `[`, or up to the next place where an object may begin.

    Args:
        blocks: What is read next begins a record.
        most: The longest record that is kept as a whole.
        keeps: Whether any is.
    """
    passage, record = _Passage(), _Kept(most)
    end = None
    while end is None and not blocks.ended:
        piece = blocks.read(_PIECE_BYTES)
        was_broken = passage.is_broken
        end = passage.end_in(piece)
        breaks_off = passage.is_broken or (end is None and blocks.ended)
        # Up to its break a broken line may have passed over the next line, as if that were one of its values.
        before = record.last_line(piece[: passage.broke_at]) if breaks_off and not was_broken else None
        if before is not None:
            piece, end = record.given_back() + piece, before
        record.take(piece[:end])
        blocks.put_back(piece[len(piece[:end]) :])
    if passage.is_broken or end is None:
        record.trim()
    return record.shown(blocks, keeps=keeps)


def begins_with_many_values(block: bytes) -> bool:
    """Return whether a block begins with a record of so many values that they would take many times its memory."""
    if _values_in(block) <= _MOST_VALUES:
        return False
    end = _Passage().end_in(block)
    return _values_in(_WHOLE_TEXT.sub(b"", block[:end])) > _MOST_VALUES


def _values_in(block: bytes) -> int:
    return block.count(b",") + block.count(b"[") + block.count(b"{")


class _Kept:
    """What is kept of a record: as much as is allowed, the last piece, and the length.

    Args:
        most: The longest record that is kept as a whole.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = bytearray()
        self._length = 0
        self._last = b""

    def take(self, piece: bytes) -> None:
        """Go on by a piece."""
        self._kept += piece[: self._most + 1 - len(self._kept)]
        self._length += len(piece)
        self._last = (self._last + piece)[-_PIECE_BYTES:]

    def last_line(self, piece: bytes) -> int | None:
        """Return where in the last piece and the next one the last line begins with `{` or `[`, or None."""
        places = [match.end() for match in _LINE_START.finditer(self._last + piece)]
        return places[-1] if places else None

    def given_back(self) -> bytes:
        """Go back by the last piece, and return it."""
        last, self._last = self._last, b""
        self._length -= len(last)
        del self._kept[self._length :]
        return last

    def trim(self) -> None:
        """Leave out the separators at the end."""
        self._length -= len(self._last) - len(self._last.rstrip(b" \t\r\n,"))

    def shown(self, blocks: BlockReader, *, keeps: bool) -> Corrupt:
        """Return the record as it is shown."""
        if keeps and self._length <= self._most:
            return corrupt(blocks.text(bytes(self._kept[: self._length])), self._most)
        head = whole_characters(bytes(self._kept[:SHOWN_BYTES]))
        return Corrupt(shortened(shown(blocks.text(head)), self._length, self._most, "" if keeps else _MANY))


class _Passage:
    """The way through one record, in pieces; what is between brackets and quotes is passed over.

    Attributes:
        is_broken: Whether the text has broken off being JSON.
        broke_at: Where it did in the last piece, or how far it has been followed.
    """

    def __init__(self) -> None:
        self.is_broken = False
        self._open = bytearray()
        self._expects = _VALUE
        self._in_text = self._is_key = self._in_word = self._escapes = False
        # The separator at a piece's end behind which an object or a line may begin.
        self._separator = b""
        self.broke_at, self._has_begun = 0, False

    def end_in(self, piece: bytes) -> int | None:
        """Return where the record ends in the next piece, or None where it goes on."""
        self.broke_at = 0
        end = None if self.is_broken else self._walk(piece)
        if self.is_broken:
            end = self._stretch_end(piece)
        self._has_begun = True
        self._separator = _separator_at_end(self._separator + piece)
        return end

    def _stretch_end(self, piece: bytes) -> int | None:
        """Return where, from the place on where the text broke off, the next record may begin."""
        before = self._separator
        text = before + piece
        start = len((before + piece[: self.broke_at]).rstrip(b" \t"))
        # What comes before that place may be a separator; what begins the record is not.
        start = max(start - 1, 0 if self._has_begun else 1)
        match = _STRETCH_END.search(text, start)
        if match is not None:
            return match.end() - len(before)
        ended = text.rstrip(b" \t\r\n")
        opens = ended.endswith(b"{") and len(ended) - 1 > start and _separator_at_end(ended[:-1])
        return len(ended) - 1 - len(before) if opens else None

    def _walk(self, piece: bytes) -> int | None:
        """Return where the record closes; where the text breaks off, that is noted."""
        at = self._continued(piece)
        while at < len(piece) and not self.is_broken:
            if self._in_text:
                at = self._text_end(piece, at)
                if not self._in_text and not self._open and not self._is_key:
                    return at
                continue
            run = _RUNS.get(self._expects)
            match = run.match(piece, at) if run is not None else None
            if match is not None:
                at = match.end()
                self._expects = _ITEM if self._expects in {_ITEM, _FIRST_ITEM} else _KEY
            at = _end_of(_BLANKS, piece, at)
            if at < len(piece):
                at = self._token(piece, at)
                if not self._open and self._expects == _AFTER and not self._in_word:
                    return at
        self.broke_at = at
        return None

    def _continued(self, piece: bytes) -> int:
        """Return where the token ends that the piece before has begun."""
        if self._escapes and piece:
            self._escapes = False
            if piece[0] < _FIRST_PRINTABLE:
                self.is_broken = True
                return 0
            return 1
        if self._in_word:
            at = _end_of(_WORD, piece, 0)
            self._in_word = at == len(piece)
            return at
        return 0

    def _text_end(self, piece: bytes, at: int) -> int:
        at = _end_of(_TEXT, piece, at)
        if at == len(piece):
            return at
        if piece[at] == _QUOTE:
            self._in_text = False
            self._expects = _COLON if self._is_key else _AFTER
        elif piece[at] == _BACKSLASH and at == len(piece) - 1:
            self._escapes = True
        else:
            self.is_broken = True
            return at
        return at + 1

    def _token(self, piece: bytes, at: int) -> int:
        one, expects = piece[at], self._expects
        if one == _QUOTE and expects not in {_COLON, _AFTER}:
            self._in_text, self._is_key = True, expects in {_KEY, _FIRST_KEY}
        elif one in b"{[" and expects in {_VALUE, _ITEM, _FIRST_ITEM} and len(self._open) < MAX_DEPTH:
            self._open.append(one)
            self._expects = _FIRST_KEY if one == ord("{") else _FIRST_ITEM
        elif expects in {_AFTER, _FIRST_KEY, _FIRST_ITEM} and self._open and self._open[-1] == _CLOSES.get(one):
            self._open.pop()
            self._expects = _AFTER
        elif one == ord(",") and expects == _AFTER:
            self._expects = _KEY if self._open[-1] == ord("{") else _ITEM
        elif one == ord(":") and expects == _COLON:
            self._expects = _VALUE
        elif self._open and expects in {_VALUE, _ITEM, _FIRST_ITEM} and (end := _end_of(_WORD, piece, at)) > at:
            self._expects = _AFTER
            self._in_word = end == len(piece)
            return end
        else:
            self.is_broken = True
            return at
        return at + 1


def _separator_at_end(text: bytes) -> bytes:
    """Return the separator that a text ends with, but for blanks, or nothing."""
    last = text.rstrip(b" \t")[-1:]
    return last if last in _SEPARATORS else b""


def _end_of(pattern: re.Pattern[bytes], piece: bytes, at: int) -> int:
    match = pattern.match(piece, at)
    return match.end() if match else at


_RUNS = {_FIRST_ITEM: _ITEMS, _ITEM: _ITEMS, _FIRST_KEY: _MEMBERS, _KEY: _MEMBERS}
