"""Each rule of silver with a good, a bad and a null row, judged as an update judges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.quality.judge import FAILED, WARNED, Witness, judge
from pipeline.quality.suites import Suites
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.quality.judge import Evidence

pytestmark = pytest.mark.spark

ARRIVAL = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = ARRIVAL + timedelta(minutes=10)
TICK = timedelta(microseconds=1)
COLUMNS = """
    device_id STRING, event_timestamp TIMESTAMP, temperature_celsius DOUBLE, vibration_hz DOUBLE, location STRING,
    latest_plausible_timestamp TIMESTAMP
"""
GOOD: dict[str, Any] = {
    "device_id": "MFG-A-1000",
    "event_timestamp": ARRIVAL,
    "temperature_celsius": 30.0,
    "vibration_hz": 0.3,
    "location": "Factory Floor A",
    "latest_plausible_timestamp": LIMIT,
}
# How a row differs from the good one, and the drop and warn rules that it violates.
ROWS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "good": ({}, [], []),
    "all_null_but_required": (
        {"temperature_celsius": None, "vibration_hz": None, "location": None},
        [],
        [],
    ),
    "device_null": ({"device_id": None}, ["valid_device_id"], []),
    "device_empty": ({"device_id": ""}, ["valid_device_id"], ["known_device"]),
    "device_blank": ({"device_id": " \t"}, ["valid_device_id"], ["known_device"]),
    "device_of_another_floor": ({"device_id": "MFG-Z-9999"}, [], []),
    "device_with_three_digits": ({"device_id": "MFG-A-100"}, [], ["known_device"]),
    "device_with_five_digits": ({"device_id": "MFG-A-10000"}, [], ["known_device"]),
    "device_in_lower_case": ({"device_id": "mfg-a-1000"}, [], ["known_device"]),
    "device_of_two_lines": ({"device_id": "MFG-A-1000\n"}, [], ["known_device"]),
    "time_null": ({"event_timestamp": None}, ["valid_event_timestamp"], []),
    "time_first_plausible": ({"event_timestamp": datetime(2000, 1, 1, tzinfo=UTC)}, [], []),
    "time_too_old": (
        {"event_timestamp": datetime(2000, 1, 1, tzinfo=UTC) - TICK},
        ["plausible_event_timestamp"],
        [],
    ),
    "time_last_plausible": ({"event_timestamp": LIMIT}, [], []),
    "time_too_far_ahead": ({"event_timestamp": LIMIT + TICK}, ["plausible_event_timestamp"], []),
    "temperature_null": ({"temperature_celsius": None}, [], []),
    "temperature_lowest": ({"temperature_celsius": -50.0}, [], []),
    "temperature_too_low": ({"temperature_celsius": -50.001}, ["plausible_temperature"], []),
    "temperature_highest": ({"temperature_celsius": 200.0}, [], ["high_temperature"]),
    "temperature_too_high": (
        {"temperature_celsius": 200.001},
        ["plausible_temperature"],
        ["high_temperature"],
    ),
    "temperature_of_exactly_40": ({"temperature_celsius": 40.0}, [], []),
    "temperature_just_over_40": ({"temperature_celsius": 40.000001}, [], ["high_temperature"]),
    "temperature_not_a_number": (
        {"temperature_celsius": float("nan")},
        ["plausible_temperature"],
        ["high_temperature"],
    ),
    "vibration_null": ({"vibration_hz": None}, [], []),
    "vibration_lowest": ({"vibration_hz": 0.0}, [], []),
    "vibration_highest": ({"vibration_hz": 100.0}, [], []),
    "vibration_negative": ({"vibration_hz": -0.1}, [], ["plausible_vibration"]),
    "vibration_too_high": ({"vibration_hz": 100.1}, [], ["plausible_vibration"]),
    "everything_wrong": (
        {"device_id": None, "event_timestamp": None, "temperature_celsius": 300.0, "vibration_hz": -1.0},
        ["valid_device_id", "valid_event_timestamp", "plausible_temperature"],
        ["high_temperature", "plausible_vibration"],
    ),
}
Verdicts = dict[str, tuple[list[str], list[str]]]


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> tuple[Verdicts, Evidence]:
    rows = [(name, *(GOOD | unlike).values()) for name, (unlike, _, _) in ROWS.items()]
    frame = spark.createDataFrame(rows, f"name STRING, {COLUMNS}")
    suite = Suites(load_settings().expectations).compiled("silver_cleaned_sensors", frame)
    witness = Witness(suite)
    verdicts = witness.observing(judge(frame, suite)).select("name", FAILED, WARNED).collect()
    return {row["name"]: (row[FAILED], row[WARNED]) for row in verdicts}, witness.evidence()


@pytest.mark.parametrize("name", ROWS)
def test_row_violates_exactly_the_rules_that_its_values_break(judged: tuple[Verdicts, Evidence], name: str) -> None:
    verdicts, _ = judged
    _, dropped_by, warned_by = ROWS[name]
    assert verdicts[name] == (dropped_by, warned_by)


def test_evidence_counts_rows_and_violations_of_every_rule(judged: tuple[Verdicts, Evidence]) -> None:
    _, evidence = judged
    every = [*(rule for _, failed, _ in ROWS.values() for rule in failed)]
    every += [rule for _, _, warned in ROWS.values() for rule in warned]
    assert evidence.rows == len(ROWS)
    assert evidence.dropped_rows == sum(bool(failed) for _, failed, _ in ROWS.values())
    assert evidence.warned_rows == sum(bool(warned and not failed) for _, failed, warned in ROWS.values())
    assert {rule: every.count(rule) for rule in every} == dict(evidence.failed)
