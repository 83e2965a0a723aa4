"""A pipeline's source runs as it stands: files to bronze, rules, quarantine, views."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

SOURCE = """
import dlt
from pyspark.sql.functions import col, expr

RAW = "/Volumes/main/shop/raw"


@dlt.table(name="bronze", comment="As sent")
def bronze_orders():
    return (
        spark.readStream.format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.schemaLocation", RAW)
        .load(RAW)
        .withColumn("file", expr("_metadata.file_name"))
    )


@dlt.expect("cheap", "amount < 100")
@dlt.table
@dlt.expect_or_drop("has_customer", "customer IS NOT NULL")
def silver():
    return dlt.read_stream("LIVE.bronze").select("customer", col("amount").cast("double").alias("amount"))


@dlt.table
def gold():
    return dlt.read("main.shop.silver").groupBy("customer").count()
"""
ORDERS = [
    {"customer": "Ada", "amount": 5.0},
    {"customer": "Ada", "amount": 500.0},
    {"customer": None, "amount": 1.0},
]


def test_source_written_for_databricks_fills_its_tables(project: Project) -> None:
    project.write("source/pipeline.py", SOURCE)
    project.write("raw/a.json", json.dumps(ORDERS))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert shop.rows("bronze", by="amount") == [
        {"customer": None, "amount": "1.0", "_rescued_data": None, "file": "a.json"},
        {"customer": "Ada", "amount": "5.0", "_rescued_data": None, "file": "a.json"},
        {"customer": "Ada", "amount": "500.0", "_rescued_data": None, "file": "a.json"},
    ]
    assert shop.rows("silver", by="amount") == [
        {"customer": "Ada", "amount": 5.0},
        {"customer": "Ada", "amount": 500.0},
    ]
    rejected = shop.rows("silver__quarantine", "customer", "amount", "failed_expectations")
    assert rejected == [{"customer": None, "amount": 1.0, "failed_expectations": ["has_customer"]}]
    assert shop.rows("gold") == [{"customer": "Ada", "count": 2}]
    assert shop.quality("silver") == [
        {
            "dropped_records": 1,
            "warned_records": 1,
            "expectations": [rule("cheap", "warn", 2, 1), rule("has_customer", "drop", 2, 1)],
        }
    ]
    tables = ("bronze", "silver", "silver__quarantine", "gold")
    assert shop.counted_by_events(*tables) == {"bronze": 3, "silver": 2, "silver__quarantine": 1, "gold": 1}


def rule(name: str, action: str, passed: int, failed: int) -> dict[str, Any]:
    return {
        "name": name,
        "dataset": "silver",
        "action": action,
        "scope": "row",
        "passed_records": passed,
        "failed_records": failed,
    }


@pytest.mark.slow
def test_later_files_bring_new_columns_and_are_read_once(project: Project) -> None:
    project.write("source/pipeline.py", SOURCE)
    project.write("raw/a.json", json.dumps(ORDERS))
    shop = project.settings()
    shop.update()
    project.write("raw/b.json", json.dumps([{"customer": "Bo", "amount": 2.0, "colour": "red"}]))
    assert shop.update().state == "COMPLETED"
    assert shop.update().state == "COMPLETED"
    assert shop.rows("bronze", "customer", "colour", by="customer") == [
        {"customer": "Ada", "colour": None},
        {"customer": "Ada", "colour": None},
        {"customer": "Bo", "colour": "red"},
        {"customer": None, "colour": None},
    ]
    assert shop.rows("gold", by="customer") == [{"customer": "Ada", "count": 2}, {"customer": "Bo", "count": 1}]
