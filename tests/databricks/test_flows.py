"""The flows that a source's queries become: rules anywhere, several flows, files behind views and state."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.flows.judged_write import ExpectationViolatedError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = [pytest.mark.spark, pytest.mark.slow]

RULES = """
import dlt
from pyspark.sql import functions as F

RAW = "/Volumes/main/shop/raw"


@dlt.table
@dlt.expect_or_drop("has_amount", F.col("amount").isNotNull())
def bronze():
    return spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").load(RAW)


@dlt.view
@dlt.expect("small", "amount < 4")
def checked():
    return dlt.read_stream("bronze").selectExpr("customer", "CAST(amount AS INT) AS amount")


@dlt.table
def silver():
    return dlt.read_stream("checked")


@dlt.table
@dlt.expect_all_or_drop({"known": "customer IS NOT NULL", "some": "total > 1"})
def totals():
    return dlt.read("silver").groupBy("customer").agg(F.sum("amount").cast("int").alias("total"))
"""


def sent(*pairs: tuple[str | None, int | None]) -> str:
    return json.dumps([{"customer": customer, "amount": amount} for customer, amount in pairs])


def failed(project: Project, table: str) -> list[dict[str, int]]:
    found = project.settings().quality(table)
    return [{rule["name"]: rule["failed_records"] for rule in one["expectations"]} for one in found]


def test_rules_judge_files_views_and_materialized_views(project: Project) -> None:
    project.write("source/pipeline.py", RULES)
    project.write("raw/a.json", sent(("Ada", 5), ("Bo", 1), (None, 9), ("Cy", None)))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert shop.rows("bronze", "customer", "amount") == [
        {"customer": "Ada", "amount": "5"},
        {"customer": "Bo", "amount": "1"},
        {"customer": None, "amount": "9"},
    ]
    assert shop.rows("bronze__quarantine", "customer", "failed_expectations") == [
        {"customer": "Cy", "failed_expectations": ["has_amount"]}
    ]
    assert shop.rows("totals") == [{"customer": "Ada", "total": 5}]
    assert shop.rows("totals__quarantine", "customer", "total", "failed_expectations") == [
        {"customer": "Bo", "total": 1, "failed_expectations": ["some"]},
        {"customer": None, "total": 9, "failed_expectations": ["known"]},
    ]
    project.write("raw/b.json", sent(("Bo", 2)))
    assert shop.update().state == "COMPLETED"
    assert shop.rows("totals") == [{"customer": "Ada", "total": 5}, {"customer": "Bo", "total": 3}]
    assert [row["customer"] for row in shop.rows("totals__quarantine", "customer")] == [None]
    assert failed(project, "bronze") == [{"has_amount": 1}, {"has_amount": 0}]
    assert failed(project, "checked") == [{"small": 2}, {"small": 0}]
    assert failed(project, "totals") == [{"known": 1, "some": 1}, {"known": 1, "some": 0}]
    tables = ("bronze", "bronze__quarantine", "silver", "totals", "totals__quarantine")
    assert shop.counted_by_events(*tables) == {table: len(shop.rows(table)) for table in tables}


FAILING = """
import dlt


@dlt.table
@dlt.expect_or_fail("positive", "amount > 0")
def bronze():
    return spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").load("/Volumes/main/shop/raw")
"""


def test_rule_that_fails_writes_nothing_of_its_batch(project: Project) -> None:
    project.write("source/pipeline.py", FAILING)
    project.write("raw/a.json", sent(("Ada", 1), ("Bo", -1)))
    shop = project.settings()
    result = shop.update()
    assert isinstance(result.errors["bronze"], ExpectationViolatedError)
    assert shop.rows("bronze") == []
    project.write("raw/a.json", sent(("Ada", 1), ("Bo", 2)))
    assert shop.update().state == "COMPLETED"
    assert shop.rows("bronze", "customer") == [{"customer": "Ada"}, {"customer": "Bo"}]


SEVERAL = """
from pyspark import pipelines as dp
from pyspark.sql import functions as F

READER = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")

dp.create_streaming_table("everything", expect_all_or_drop={"has_customer": "customer IS NOT NULL"})

for region in ("north", "south"):

    @dp.append_flow(target="everything", name=f"from_{region}")
    def flow(region=region):
        return READER.load(f"/Volumes/main/shop/raw/{region}").withColumn("region", F.lit(region))


@dp.temporary_view
def north():
    return READER.load("/Volumes/main/shop/raw/north").withColumn("name", F.col("_metadata.file_name"))


@dp.table
def names():
    return spark.readStream.table("north").select("customer", "name")


@dp.table
def counted():
    return READER.load("/Volumes/main/shop/raw/south").groupBy("customer").count()


@dp.materialized_view
def calendar():
    return spark.range(2).selectExpr("id AS day")


@dp.materialized_view
def priced():
    return spark.read.table("ref.prices").join(spark.read.table("names"), "customer").select("customer", "price")
"""


def test_several_flows_views_over_files_and_state_read_each_file_once(project: Project) -> None:
    project.write("source/pipeline.py", SEVERAL)
    project.write("raw/north/a.json", sent(("Ada", 7)))
    project.write("raw/south/a.json", sent(("Bo", 1), ("Bo", 2), (None, 3)))
    project.write("prices.csv", "customer,price\nAda,7\n")
    shop = project.settings(tables={"ref.prices": "prices.csv"})
    assert shop.update().state == "COMPLETED"
    project.write("raw/south/b.json", sent(("Bo", 3)))
    project.write("prices.csv", "customer,price\nAda,8\n")
    result = shop.update()
    assert result.errors == {}
    assert shop.rows("everything", "customer", "region", "amount", by="amount") == [
        {"customer": "Bo", "region": "south", "amount": "1"},
        {"customer": "Bo", "region": "south", "amount": "2"},
        {"customer": "Bo", "region": "south", "amount": "3"},
        {"customer": "Ada", "region": "north", "amount": "7"},
    ]
    assert [row["amount"] for row in shop.rows("everything__quarantine", "amount")] == ["3"]
    assert shop.rows("names") == [{"customer": "Ada", "name": "a.json"}]
    assert shop.rows("counted", by="customer") == [{"customer": "Bo", "count": 3}, {"customer": None, "count": 1}]
    assert shop.rows("calendar") == [{"day": 0}, {"day": 1}]
    assert shop.rows("priced") == [{"customer": "Ada", "price": 8}]


CLEANED = """
import dlt


@dlt.table
def kept():
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
    reader = reader.option("cloudFiles.cleanSource", "DELETE").option("cloudFiles.cleanSource.retentionDuration", "7 days")
    return reader.load("/Volumes/main/shop/raw")
"""


def test_source_that_asks_for_it_is_cleaned_after_its_retention(project: Project) -> None:
    project.write("source/pipeline.py", CLEANED)
    project.write("raw/a.json", sent(("Ada", 7)))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert (project.folder / "raw" / "a.json").exists()
    shop.clock.advance(timedelta(days=8))
    project.write("raw/b.json", sent(("Bo", 1)))
    assert shop.update().state == "COMPLETED"
    assert [(project.folder / "raw" / name).exists() for name in ("a.json", "b.json")] == [False, True]
    assert sorted(row["customer"] for row in shop.rows("kept")) == ["Ada", "Bo"]
