"""What the plant can be asked to send."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

TRIGGER_TEMPERATURE_CELSIUS = (42.0, 48.0)
MISSING_DEVICE_ID_SHARE = 0.01


@dataclass(frozen=True)
class Act:
    """One kind of batch.

    Attributes:
        name: The command's name and the label in the names of its files.
        summary: What it lands, in one line.
        files: How many files it lands when nobody says.
        youngest: The least age of a reading.
        oldest: The greatest age of a reading.
        always_celsius: The range of every temperature, all of them anomalous; None for the usual mixture.
        missing_device_id_share: The share of readings whose device_id is missing, from 0 to 1.
        has_humidity: Whether readings carry `humidity_percent`.
        utc_offset: The offset that timestamps are written with; None writes naive UTC.
    """

    name: str
    summary: str
    files: int = 1
    youngest: timedelta = timedelta()
    oldest: timedelta = timedelta(seconds=60)
    always_celsius: tuple[float, float] | None = None
    missing_device_id_share: float = MISSING_DEVICE_ID_SHARE
    has_humidity: bool = False
    utc_offset: timedelta | None = None


BATCH = Act("batch", "Land readings of the last minute: most normal, some hot, a few without device_id.", files=5)
LATE = Act(
    "late",
    "Land readings that come hours or days late.",
    youngest=timedelta(hours=2),
    oldest=timedelta(days=3),
)
SCHEMA_CHANGE = Act(
    "schema-change",
    "Land readings with the new field humidity_percent and timestamps with an offset.",
    has_humidity=True,
    utc_offset=timedelta(hours=-5),
)
TRIGGER_EVENT = Act(
    "trigger-event",
    "Land readings that are all hot, so that the alert fires.",
    always_celsius=TRIGGER_TEMPERATURE_CELSIUS,
    missing_device_id_share=0.0,
)
STREAM = Act("stream", "Land readings at a steady rate until stopped.")
# What the stream sends while the plant overheats.
HOT_STREAM = replace(STREAM, always_celsius=TRIGGER_TEMPERATURE_CELSIUS, missing_device_id_share=0.0)
ACTS = (BATCH, LATE, SCHEMA_CHANGE, TRIGGER_EVENT)
