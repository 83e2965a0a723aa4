"""Records and values that are too long to be kept: their beginning and their length."""

from __future__ import annotations

from pipeline.records.encoding import holds_kept_bytes, shown
from pipeline.records.values import Corrupt

# A character that would be cut in two is left out.
SHOWN_BYTES = 4 * 1024 + 3
# What UTF-8 begins a character of two bytes or more with, and how long one is.
_FIRST_OF_SEVERAL, _LONGEST_CHARACTER = 0xC0, 4


def shortened(beginning: str, length: int, most: int, reason: str = "") -> str:
    """Return the first 4 KB of a text that is not kept, its length in bytes, and why it is not kept.

    Args:
        beginning: The text, or at least its first 4 KB.
        length: Of the whole text, in bytes.
        most: The greatest length that is kept; what is returned is no longer either.
        reason: Why it is not kept although it is no longer.
    """
    note = f"… [{length} bytes; {reason or f'max_record_bytes is {most}'}]"
    room = max(0, min(SHOWN_BYTES, most - len(note.encode())))
    # Each character has at least one byte.
    kept = beginning[:room].encode("utf-8", "backslashreplace")[:room]
    return kept.decode("utf-8", "ignore") + note


def whole_characters(head: bytes) -> bytes:
    """Return the beginning of a text without the character that it may end in the middle of."""
    cuts = range(1, min(_LONGEST_CHARACTER, len(head) + 1))
    cut = next((cut for cut in cuts if head[-cut] >= _FIRST_OF_SEVERAL), 0)
    return head[: len(head) - cut]


def is_longer(text: str, most: int) -> bool:
    """Return whether a text has more bytes than a number."""
    if len(text) * _LONGEST_CHARACTER <= most:
        return False
    return len(text) > most or (not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > most)


def corrupt(text: str, most: int) -> Corrupt:
    r"""Return a record that is not an object: its text or its beginning, with other bytes as `\xNN`.

    Args:
        text: As it was decoded.
        most: The greatest length that is kept.
    """
    whole = shown(text)
    return Corrupt(shortened(whole, bytes_in(text), most) if is_longer(whole, most) else whole)


def bytes_in(text: str) -> int:
    """Return how many bytes a decoded text had as UTF-8, those that are not characters included."""
    if text.isascii():
        return len(text)
    length = len(text.encode("utf-8", "surrogatepass"))
    return length - 2 * sum("\udc00" <= one <= "\udcff" for one in text) if holds_kept_bytes(text) else length
