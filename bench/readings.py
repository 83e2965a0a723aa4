"""Readings from the plant, generated once and hard-linked into the homes that a measurement fills."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from generators.plant import Plant
from pipeline.foundation.clock import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home

SEED = 20260301
NEWEST = datetime(2026, 3, 1, 12, tzinfo=UTC)
_READINGS_A_FILE = 50_000
_LANDING = "sensor_readings"


class Stock:
    """Folders of landed files below a scratch folder, one for each requested kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(
        self, readings: int, *, files: int | None = None, devices: int = 15, newest: datetime = NEWEST
    ) -> list[Path]:
        """Return files with this many readings in total; event time advances an hour from file to file.

        They hold JSON Lines, five percent of the readings anomalous, as the plant sends them.
        """
        count = files or max(1, readings // _READINGS_A_FILE)
        folder = self._folder / f"{readings}-{count}-{devices}-{newest:%Y%m%dT%H%M}"
        if not folder.exists():
            scratch = folder.with_suffix(".tmp")
            plant = Plant(scratch, FixedClock(newest), SEED, devices)
            for number in range(count):
                at = newest - timedelta(hours=number % (24 * 30))
                plant.batch(files=1, records=readings // count, at=at, format="lines")
            scratch.rename(folder)
        return sorted(folder.iterdir())


def land(files: list[Path], home: Home) -> None:
    """Hard-link files into a home's landing zone, so that each is on disk once."""
    folder = home.landing / _LANDING
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        os.link(file, folder / file.name)
