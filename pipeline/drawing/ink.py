"""Elements of an SVG picture, and how much room a text takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = float | int

# XML knows no other control characters, not even escaped.
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NARROW, _BROAD = set("ijlIft.,:;'|!()[]{} "), set("mwMW@%")


def element(tag: str, content: str | Iterable[str] = "", **attributes: Number | str) -> str:
    """Return an element; its content is SVG already, an attribute `stroke_width` is written `stroke-width`."""
    inside = content if isinstance(content, str) else "".join(content)
    written = "".join(
        f" {name.strip('_').replace('_', '-')}={quoteattr(_said(value))}" for name, value in attributes.items()
    )
    return f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>"


def words(text: str, x: Number, y: Number, *, kind: str, **attributes: Number | str) -> str:
    """Return a line of text whose look the style sheet knows by its kind."""
    return element("text", plain(text), x=x, y=y, class_=kind, **attributes)


def plain(text: str) -> str:
    """Return a text of anybody's as characters, never as elements."""
    return escape(_NOT_IN_XML.sub("\ufffd", text))


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is in a sans-serif face, rather too much than too little."""
    units = sum(0.35 if char in _NARROW else 0.97 if char in _BROAD else 0.62 for char in text)
    return units * size * (1.12 if bold else 1.0)


def shortened(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits a width, its middle left out where it has to be."""
    if width_of(text, size, bold=bold) <= width:
        return text
    kept = len(text)
    while kept > 2 and width_of(text[:kept], size, bold=bold) + size > width:  # noqa: PLR2004
        kept -= 1
    return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"


def _said(value: Number | str) -> str:
    if isinstance(value, str):
        return _NOT_IN_XML.sub("\ufffd", value)
    return f"{value:.1f}".rstrip("0").rstrip(".")
