"""Text as a terminal, a log or a message may show it: names and values from outside cannot act on what shows them."""

from __future__ import annotations

import reprlib
import unicodedata
from functools import cache

# Cc and Cs: control characters and halves of characters. Cf: marks without a shape, such as those that turn the
# direction of writing. Zl and Zp: line ends of other kinds.
_UNSEEN = frozenset({"Cc", "Cs", "Cf", "Zl", "Zp"})
_LONGEST = 100
# Several scripts join and part letters with these.
_HARMLESS = frozenset("\u200c\u200d")


def shown(text: str, *, lines: bool = False) -> str:
    r"""Return a text with each character that has no shape of its own as its number, such as `\x1b` or `\u202e`.

    A text that was already escaped stays as it is.

    Args:
        text: A name or a value from outside, or a message that may contain one.
        lines: Whether it has lines and tabs of its own, as a message has and a name has not.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(char if char in kept or (char.isascii() and char.isprintable()) else _seen(char) for char in text)


def brief(value: object) -> str:
    """Return a value of somebody's file for a message: never more than its beginning."""
    text = value if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… of {len(text):,} characters"


def say(text: object, *, err: bool = False) -> None:
    """Print a text, escaped.

    Args:
        text: What to print.
        err: Whether it goes to standard error.
    """
    import typer  # noqa: PLC0415 - a worker that only escapes needs no command line

    typer.echo(shown(str(text), lines=True), err=err)  # noqa: TID251 - the only place that calls it


@cache
def _seen(char: str) -> str:
    if char in _HARMLESS or unicodedata.category(char) not in _UNSEEN:
        return char
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"  # noqa: PLR2004 - as Python writes them
