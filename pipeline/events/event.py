"""One row of the event log."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from pipeline.foundation.errors import causes_of

if TYPE_CHECKING:
    from datetime import datetime

Level = Literal["INFO", "WARN", "ERROR", "METRICS"]

_TIMESTAMP = pa.timestamp("us", tz="UTC")
_ORIGIN = pa.struct(
    [
        ("pipeline_type", pa.string()),
        ("pipeline_id", pa.string()),
        ("pipeline_name", pa.string()),
        ("update_id", pa.string()),
        ("dataset_name", pa.string()),
        ("flow_id", pa.string()),
        ("flow_name", pa.string()),
        ("batch_id", pa.int64()),
    ]
)
_EXCEPTION = pa.struct([("class_name", pa.string()), ("message", pa.string())])
_ERROR = pa.struct([("fatal", pa.bool_()), ("exceptions", pa.list_(_EXCEPTION))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("sequence", pa.int64()),
        ("origin", _ORIGIN),
        ("timestamp", _TIMESTAMP),
        ("message", pa.string()),
        ("level", pa.string()),
        ("maturity_level", pa.string()),
        ("error", _ERROR),
        ("details", pa.string()),
        ("event_type", pa.string()),
    ]
)


@dataclass(frozen=True)
class Origin:
    """What an event is about; None marks a field that does not apply."""

    pipeline_id: str
    pipeline_name: str
    update_id: str | None = None
    dataset_name: str | None = None
    flow_id: str | None = None
    flow_name: str | None = None
    batch_id: int | None = None
    pipeline_type: str = "WORKSPACE"


@dataclass(frozen=True)
class Event:
    """One row of the event log.

    Attributes:
        id: Unique; the id of an event about a batch is made from the batch's key, so that a repetition is noticed.
        sequence: Increases from event to event, across updates too.
        details: What happened, under the name of the event's type.
    """

    origin: Origin
    event_type: str
    message: str
    level: Level
    details: dict[str, Any]
    timestamp: datetime
    sequence: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: BaseException | None = None
    maturity_level: str = "STABLE"

    def row(self) -> dict[str, Any]:
        """Return the event as a row of the table."""
        columns = {
            **vars(self),
            "origin": asdict(self.origin),
            "error": {"fatal": True, "exceptions": causes_of(self.error)} if self.error is not None else None,
            "details": json.dumps({self.event_type: self.details}, default=str),
        }
        return {name: columns[name] for name in SCHEMA.names}
