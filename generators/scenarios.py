"""The kinds of readings that the plant lands, and whether it overheats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TRIGGER_TEMPERATURE_CELSIUS = (42.0, 48.0)
MISSING_DEVICE_ID_SHARE = 0.01
_MOMENT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Scenario:
    """One kind of readings.

    Attributes:
        name: The command's name, and the label in its files' names.
        summary: The command's help.
        files: The default number of files.
        youngest: The lowest age of a reading.
        oldest: The highest age of a reading.
        always_celsius: The range of all temperatures, which then count as anomalous; None for the usual mixture.
        missing_device_id_share: The share of readings without device_id, from 0 to 1.
        has_humidity: Whether readings have `humidity_percent`.
        utc_offset: The offset of timestamps; None writes UTC without an offset.
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


BATCH = Scenario("batch", "Land readings of the last minute: most normal, some hot, a few without device_id.", files=5)
LATE = Scenario(
    "late", "Land readings that arrive hours or days late.", youngest=timedelta(hours=2), oldest=timedelta(days=3)
)
SCHEMA_CHANGE = Scenario(
    "schema-change",
    "Land readings with a new field, humidity_percent, and timestamps with an offset.",
    has_humidity=True,
    utc_offset=timedelta(hours=-5),
)
TRIGGER_EVENT = Scenario(
    "trigger-event",
    "Land hot readings only, which trigger the alert.",
    always_celsius=TRIGGER_TEMPERATURE_CELSIUS,
    missing_device_id_share=0.0,
)
STREAM = Scenario("stream", "Land readings at a steady rate until stopped.")
# The stream's readings while the plant overheats.
HOT_STREAM = replace(STREAM, always_celsius=TRIGGER_TEMPERATURE_CELSIUS, missing_device_id_share=0.0)
SCENARIOS = (BATCH, LATE, SCHEMA_CHANGE, TRIGGER_EVENT)


def is_overheating(folder: Path, now: datetime, lasts: timedelta) -> bool:
    """Return whether a trigger event landed later than any batch, and less than its duration ago."""
    if lasts <= timedelta():
        return False
    files = [*folder.glob(f"*-{BATCH.name}-*"), *folder.glob(f"*-{TRIGGER_EVENT.name}-*")]
    # Names sort in the order of landing.
    newest = max((file.name for file in files), default="")
    if f"-{TRIGGER_EVENT.name}-" not in newest:
        return False
    landed = datetime.strptime(newest.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    return now - landed < lasts
