"""A registry of devices in a pipeline of its own: changes come late, and readings are compared as of their time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

TABLES = ("typed_changes", "changes", "unclear", "devices", "device_history", "readings", "alarms")


def change(device: str | None, day: int | None, operation: str = "set", **values: Any) -> dict[str, Any]:
    since = None if day is None else f"2026-03-{day:02}T00:00:00Z"
    return {"device": device, "since": since, "operation": operation, **values}


def reading(device: str, day: int, celsius: float) -> dict[str, Any]:
    return {"device": device, "at": f"2026-03-{day:02}T12:00:00Z", "celsius": celsius}


def history(plant: TestLakehouse) -> list[tuple[Any, ...]]:
    return sorted(
        (
            (row["device"], row["alarm"], row["__START_AT"].day, row["__END_AT"].day if row["__END_AT"] else None)
            for row in plant.rows("device_history")
        ),
        key=str,
    )


def test_registry_of_another_pipeline_is_right_for_changes_in_any_order(lakehouse: TestLakehouse) -> None:
    plant = replace(lakehouse, settings_file=Path(__file__).with_name("devices.yml"))
    plant.land(
        "a.json", [change("A", 1, alarm=40), change("B", 1, alarm=40), change(None, 2, alarm=9)], "device_changes"
    )
    plant.land(
        "a.json", [reading("A", 5, 42), reading("A", 12, 42), reading("B", 5, 42), reading("B", 20, 42)], "readings"
    )
    result = plant.update()
    assert (result.statuses, result.errors) == (dict.fromkeys(TABLES, "COMPLETED"), {})
    assert [(row["device"], row["alarms"]) for row in plant.rows("alarms")] == [("A", 2), ("B", 2)]
    assert [row["failed_expectations"] for row in plant.rows("unclear")] == [["known_device"]]

    # A is moved without a word on its limit, B is removed; then comes what happened to A in between.
    plant.land("b.json", [change("A", 20, floor="B"), change("B", 15, "remove")], "device_changes")
    assert plant.update().state == "COMPLETED"
    plant.land("c.json", [change("A", 10, alarm=45), change("B", 10, alarm=50)], "device_changes")
    assert plant.update().state == "COMPLETED"

    assert history(plant) == [("A", 40.0, 1, 10), ("A", 45.0, 10, 20), ("A", 45.0, 20, None), ("B", 40.0, 1, 10),
                              ("B", 50.0, 10, 15)]  # fmt: skip
    assert [(row["device"], row["alarm"], row["floor"], row["since"].day) for row in plant.rows("devices")] == [
        ("A", 45.0, "B", 20)
    ]
    assert [(row["device"], row["alarms"]) for row in plant.rows("alarms")] == [("A", 1), ("B", 1)]
    assert plant.counted_by_events(*TABLES) == {table: len(plant.rows(table)) for table in TABLES}
