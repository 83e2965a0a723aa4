"""An event as it was told, made again from the row that was stored."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from typing import Any

import orjson

from pipeline.event_log import Event, Origin

_ORIGIN = {field.name for field in fields(Origin)}


class RecordedError(Exception):
    """An error that an earlier update has put on record; it reads as the original did.

    Attributes:
        class_name: The class of the error that was raised.
    """

    def __init__(self, class_name: str, message: str) -> None:
        self.class_name = class_name
        super().__init__(message)


def stored_event(row: dict[str, Any]) -> Event:
    """Return the event that a row of the event log tells of."""
    origin = {name: value for name, value in row["origin"].items() if name in _ORIGIN}
    return Event(
        Origin(**origin),
        row["event_type"],
        row["message"],
        row["level"],
        orjson.loads(row["details"]).get(row["event_type"], {}),
        row["timestamp"],
        row["sequence"],
        row["id"],
        _error(row["error"]),
    )


def _error(stored: dict[str, Any] | None) -> RecordedError | None:
    chain = [RecordedError(item["class_name"], item["message"]) for item in (stored or {}).get("exceptions") or ()]
    for error, cause in pairwise(chain):
        error.__cause__ = cause
    return chain[0] if chain else None
