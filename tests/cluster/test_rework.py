"""What is done again on a cluster: replays, reprocessing; and a feed as the original plant's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from generators.scenarios import BATCH, LATE, SCHEMA_CHANGE, TRIGGER_EVENT
from pipeline.home.places import Home
from pipeline.selection import ReplayRequest
from tests.chaos.ordeal import Ordeal
from tests.conftest import TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.cluster
BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES


@pytest.mark.usefixtures("many")
def test_replay_with_a_correction_moves_the_row_and_corrects_gold(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    lakehouse.land("a.json", [reading(), reading(None, location="no device"), reading("", location="blank device")])
    assert lakehouse.update().state == "COMPLETED"
    ids = {row["location"]: row["record_id"] for row in lakehouse.rows(QUARANTINE)}
    corrections = tmp_path / "corrections.csv"
    corrections.write_text(f"record_id,column,value\n{ids['no device']},device_id,MFG-A-1001\n", encoding="utf-8")
    replay = ReplayRequest(QUARANTINE, corrections=corrections)
    assert lakehouse.update(replay=replay).state == "COMPLETED"
    lakehouse.assert_invariants()
    assert [row["record_id"] for row in lakehouse.rows(QUARANTINE)] == [ids["blank device"]]
    assert {row["device_id"] for row in lakehouse.rows(GOLD)} == {"MFG-A-1000", "MFG-A-1001"}


@pytest.mark.usefixtures("many")
def test_reprocessing_replaces_a_file_s_rows_in_every_table(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(temperature_celsius=20.0), reading(None)])
    lakehouse.land("b.json", [reading("MFG-A-1001", temperature_celsius=21.0)])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.land("a.json", [reading(temperature_celsius=30.0), reading(temperature_celsius=31.0)])
    assert lakehouse.update(reprocess_files=("a.json",)).state == "COMPLETED"
    lakehouse.assert_invariants()
    assert sorted(row["temperature_celsius"] for row in lakehouse.rows(SILVER)) == [21.0, 30.0, 31.0]
    assert lakehouse.rows(QUARANTINE) == []
    assert {row["device_id"]: row["max_temp"] for row in lakehouse.rows(GOLD)} == {
        "MFG-A-1000": 31.0,
        "MFG-A-1001": 21.0,
    }


def test_feed_with_late_data_new_columns_and_an_overheating_is_stored_once(spark: SparkSession, tmp_path: Path) -> None:
    ordeal = Ordeal(Home(tmp_path / "a home"), random.Random(1))
    for scenario in (BATCH, LATE, SCHEMA_CHANGE, TRIGGER_EVENT, BATCH, LATE):
        ordeal.land(scenario)
        ordeal.recover(spark)
        ordeal.check()
    assert "humidity_percent" in ordeal.lakehouse.columns(SILVER)
