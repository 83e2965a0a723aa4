"""What became of each landed fault, read from tables and file state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.faults import FAULTS, Fault, land_fault
from generators.landing import Landing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

SMALL_FAULTS = tuple(fault for fault in FAULTS if not fault.is_large)


def landing_of(lakehouse: TestLakehouse) -> Landing:
    return Landing(lakehouse.home.landing / "sensor_readings", lakehouse.clock)


def land_all(lakehouse: TestLakehouse, faults: tuple[Fault, ...], seed: int = 7) -> dict[str, Path]:
    landing = landing_of(lakehouse)
    return {fault.name: land_fault(fault, landing, lakehouse.clock.now(), seed) for fault in faults}


def fates(lakehouse: TestLakehouse, landed: dict[str, Path]) -> dict[str, str]:
    """Return for each fault its file's state, its rows, and where they ended."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in lakehouse.rows("bronze_sensor_readings", "record_id", "source_file", "_rescued_data", "_corrupt_record"):
        rows.setdefault(row["source_file"], []).append(row)
    quarantined = {row["record_id"] for row in lakehouse.rows("silver_quarantined_sensors", "record_id")}
    found = {}
    for name, path in landed.items():
        of_file = rows.get(str(path), [])
        counts = {
            "in `_corrupt_record`": sum(row["_corrupt_record"] is not None for row in of_file),
            "in `_rescued_data`": sum(row["_rescued_data"] is not None for row in of_file),
            "in quarantine": sum(row["record_id"] in quarantined for row in of_file),
        }
        plural = "row" if len(of_file) == 1 else "rows"
        parts = [f"{len(of_file)} {plural}", *(f"{count} {where}" for where, count in counts.items() if count)]
        found[name] = f"{lakehouse.files()[str(path)].state}: {', '.join(parts)}"
    return found
