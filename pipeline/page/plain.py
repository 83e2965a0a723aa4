"""Row values in a form that a browser reads from JSON without loss."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from typing import Any

# A browser's numbers are exact up to this one.
_LARGEST_EXACT = 2**53
LONGEST_TEXT = 500
_MOST_PARTS = 50


def plain(value: Any, *, whole: bool = False) -> Any:
    """Return a value as JSON has it: a value that JSON cannot express becomes text.

    Args:
        value: The value.
        whole: Whether a long text and a value of many parts stay whole; else the end says how long they are.
    """
    if value is None or isinstance(value, bool | str):
        return cut(value) if isinstance(value, str) and not whole else value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) <= _LARGEST_EXACT else str(value)
    if isinstance(value, dict):
        shown = list(value.items())[: None if whole else _MOST_PARTS]
        rest = {"…": f"of {len(value):,} keys"} if len(value) > len(shown) else {}
        return {plain(str(key), whole=whole): plain(item, whole=whole) for key, item in shown} | rest
    if isinstance(value, list | tuple):
        items = [plain(item, whole=whole) for item in (value if whole else value[:_MOST_PARTS])]
        return [*items, f"… of {len(value):,} values"] if len(value) > len(items) else items
    if isinstance(value, bytes):
        return plain(value.decode("utf-8", errors="replace"), whole=whole)
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime | date | time) else str(value)


def cut(text: str) -> str:
    """Return a text, or its beginning and how long it is."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… of {len(text):,} characters"
