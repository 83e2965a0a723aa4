"""Good readings as JSON text, which faults surround or damage."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import orjson

from generators.fleet import fleet
from generators.readings import Window, draw
from generators.scenarios import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEVICES = fleet(15)
_READINGS_PER_DRAW = 50_000


class Sample:
    """Draws good readings: normal temperatures and known devices, in the minute before a moment.

    Attributes:
        at: The moment, aware and in UTC.
    """

    def __init__(self, at: datetime, seed: int | None, purpose: str) -> None:
        self.at = at
        # Each purpose has its own random sequence, so that a new fault does not change the bytes of the others.
        entropy = None if seed is None else [seed, zlib.crc32(purpose.encode())]
        self._rng = np.random.default_rng(entropy)

    def reading(self, raw_values: Mapping[str, str] | None = None, *, without: tuple[str, ...] = ()) -> str:
        """Return one reading as the text of an object.

        Args:
            raw_values: JSON text, valid or not, in place of a key's value; new keys are appended.
            without: Keys to leave out.
        """
        record = next(self._records(1))
        members = {key: json.dumps(value) for key, value in record.items() if key not in without}
        members.update(raw_values or {})
        return "{" + ",".join(f"{json.dumps(key)}:{raw}" for key, raw in members.items()) + "}"

    def readings(self, count: int) -> list[str]:
        """Return a number of readings, each as the text of an object."""
        return [orjson.dumps(record).decode() for record in self._records(count)]

    def _records(self, count: int) -> Iterator[dict[str, object]]:
        window = Window((self.at - timedelta(seconds=60)).astimezone(UTC), self.at.astimezone(UTC))
        for first in range(0, count, _READINGS_PER_DRAW):
            number = min(_READINGS_PER_DRAW, count - first)
            yield from draw(
                BATCH, _DEVICES, self._rng, window, readings=number, anomalous=0, missing_device_id=0
            ).records


def array(*elements: str) -> bytes:
    """Return the bytes of a file with one array on one line."""
    return f"[{','.join(elements)}]\n".encode()


def lines(*texts: str) -> bytes:
    """Return the bytes of a file with each text on its own line."""
    return "".join(f"{text}\n" for text in texts).encode()
