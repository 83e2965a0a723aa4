"""Whether the plant is overheating: a trigger event that somebody landed, and that no batch has followed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from generators.acts import BATCH, TRIGGER_EVENT

if TYPE_CHECKING:
    from pathlib import Path

_MOMENT = "%Y%m%dT%H%M%S%fZ"


def is_overheating(folder: Path, now: datetime, lasts: timedelta) -> bool:
    """Tell whether the last act in a landing folder was a trigger event, no longer ago than it lasts."""
    if lasts <= timedelta():
        return False
    files = [*folder.glob(f"*-{BATCH.name}-*"), *folder.glob(f"*-{TRIGGER_EVENT.name}-*")]
    # Names sort in the order of landing.
    newest = max((file.name for file in files), default="")
    if f"-{TRIGGER_EVENT.name}-" not in newest:
        return False
    landed = datetime.strptime(newest.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    return now - landed < lasts
