"""What Delta's log tells of a file's rows, so that who looks for some of them need not open it.

Source: "Per-file Statistics" in Delta's protocol.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# As many as Delta takes by default.
_COLUMNS = 32
_LONGEST_TEXT = 32


class FileStatistics:
    """The number of a file's rows, and for each of its first columns the nulls, the least and the greatest value.

    Omits the bounds of a column that the log cannot represent (long texts, decimals, NaN): readers then look into the
    file.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        # The log would need statistics for each field of a struct; without them a reader opens the file.
        self._nulls = {field.name: 0 for field in list(schema)[:_COLUMNS] if not pa.types.is_struct(field.type)}
        self._bounds: dict[str, list[tuple[Any, Any]]] = {
            field.name: [] for field in list(schema)[:_COLUMNS] if _has_order(field.type)
        }

    def add(self, rows: pa.Table) -> None:
        """Count rows that are in the file."""
        self.rows += rows.num_rows
        for name in self._nulls:
            self._nulls[name] += rows[name].null_count
        for name, bounds in self._bounds.items():
            if rows[name].null_count < rows.num_rows:
                bounds.append(_bounds(rows[name]))

    def as_json(self) -> str:
        """Return them as Delta's log has them."""
        told: dict[str, Any] = {"numRecords": self.rows, "minValues": {}, "maxValues": {}, "nullCount": self._nulls}
        for name, bounds in self._bounds.items():
            for side, pick, index in (("minValues", min, 0), ("maxValues", max, 1)):
                values = [pair[index] for pair in bounds]
                if values and None not in values:
                    told[side][name] = pick(values)
        return json.dumps(told, ensure_ascii=False)


def _has_order(kind: pa.DataType) -> bool:
    orders = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp)
    return any(has_order(kind) for has_order in orders)


def _bounds(values: pa.ChunkedArray) -> tuple[Any, Any]:
    """Return the least and the greatest of values as the log writes them, None in the place of what it cannot tell."""
    if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
        # For Spark it is greater than all numbers, for others it is not comparable.
        return None, None
    try:
        found = pc.min_max(values).as_py()
    except (OverflowError, ValueError):
        # Years that Python has no date for.
        return None, None
    return _told(found["min"]), _told(found["max"])


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        # To the millisecond, as Delta cuts it.
        return f"{value.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return None
    return value
