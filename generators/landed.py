"""What an act has landed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from generators.readings import Sheet

# Told after each file: how many are landed, and how many there will be (None: nobody knows).
Watcher = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Landed:
    """The files of one act, in the order of landing, and the truth about the readings in them.

    Attributes:
        files: Where they are.
        readings: How many readings they hold.
        anomalous: How many of those were drawn from the anomalous ranges.
        missing_device_id: How many lack the key `device_id`.
        hot: How many are over 40 °C.
        hot_with_device_id: How many of the hot ones tell their device.
    """

    files: tuple[Path, ...] = ()
    readings: int = 0
    anomalous: int = 0
    missing_device_id: int = 0
    hot: int = 0
    hot_with_device_id: int = 0


class Tally:
    """Counts what lands while an act runs."""

    def __init__(self) -> None:
        self.readings = 0
        self.files: list[Path] = []
        self._anomalous = 0
        self._missing_device_id = 0
        self._hot = 0
        self._hot_with_device_id = 0

    def add(self, path: Path, sheet: Sheet) -> None:
        """Take in one landed file."""
        self.files.append(path)
        self.readings += len(sheet.records)
        self._anomalous += sheet.anomalous
        self._missing_device_id += sheet.missing_device_id
        self._hot += sheet.hot
        self._hot_with_device_id += sheet.hot_with_device_id

    def share_of_next(self, readings: int, share: float) -> int:
        """Return how many of the next readings belong to a share of all.

        Whatever sizes the files have, the sum stays within one reading of the share of what has landed.
        """
        return _nearest((self.readings + readings) * share) - _nearest(self.readings * share)

    def landed(self) -> Landed:
        """Return what has landed up to here."""
        return Landed(
            files=tuple(self.files),
            readings=self.readings,
            anomalous=self._anomalous,
            missing_device_id=self._missing_device_id,
            hot=self._hot,
            hot_with_device_id=self._hot_with_device_id,
        )


def _nearest(amount: float) -> int:
    return int(amount + 0.5)
