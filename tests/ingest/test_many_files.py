"""Thousands of small files in one update."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import NOON, reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

FILES = 10_000


@pytest.mark.spark
@pytest.mark.slow
def test_ten_thousand_files_go_through_one_update_each_once(lakehouse: TestLakehouse) -> None:
    folder = lakehouse.home.landing / "sensor_readings"
    folder.mkdir(parents=True)
    for number in range(FILES):
        at = int(NOON.timestamp()) - number % 3600
        (folder / f"{number:05}.json").write_text(json.dumps([reading(f"MFG-A-{1000 + number % 15}", at=at)]))
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    (metrics,) = lakehouse.metrics("bronze_sensor_readings")
    assert metrics["num_files"] == FILES
    assert {file.state for file in lakehouse.files().values()} == {"ingested"}
    assert len(lakehouse.rows("bronze_sensor_readings", "record_id")) == len(lakehouse.files()) == FILES
    version = lakehouse.version("bronze_sensor_readings")
    lakehouse.update()
    assert lakehouse.version("bronze_sensor_readings") == version
