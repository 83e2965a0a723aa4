"""Values of rows in a form that JSON can carry and a browser reads without loss."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from typing import Any

# A browser's numbers are exact up to here.
_LARGEST_EXACT = 2**53


def plain(value: Any) -> Any:
    """Return a value as text, number, truth value, list or object; what JSON has no word for becomes text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) <= _LARGEST_EXACT else str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime | date | time) else str(value)
