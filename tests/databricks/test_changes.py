"""AUTO CDC in Python: tables that the changes of a source fill by key, whatever the order in which they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

SOURCE = """
import dlt
from pyspark import pipelines as dp
from pyspark.sql.functions import col, expr, struct


@dlt.view
def changes():
    return (
        spark.readStream.format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.maxFilesPerTrigger", 1)
        .option("cloudFiles.schemaHints", "id STRING, at INT, part INT, op STRING, city STRING, plan STRING")
        .load("/Volumes/main/shop/raw")
    )


dlt.create_streaming_table("customers", comment="As they are")
dlt.apply_changes(
    target="customers",
    source="changes",
    keys=["id"],
    sequence_by=col("at"),
    apply_as_deletes=expr("op = 'D'"),
    except_column_list=["op", "at", "part", "_rescued_data"],
    stored_as_scd_type=1,
)
dp.create_streaming_table(name="main.shop.history")
dp.create_auto_cdc_flow(
    target="history",
    source="main.shop.changes",
    keys=[col("ID")],
    sequence_by=struct("at", "part"),
    where="op IS NOT NULL",
    apply_as_deletes="op = 'D'",
    column_list=["id", "city", "Plan"],
    stored_as_scd_type="2",
    track_history_except_column_list=[col("PLAN")],
    name="cities",
)
"""


def change(id: str, at: int, city: str | None = None, plan: str | None = None, op: str = "U") -> dict[str, Any]:  # noqa: A002
    return {"id": id, "at": at, "part": 0, "op": op, "city": city, "plan": plan}


def land(project: Project, name: str, *changes: dict[str, Any], folder: str = "raw") -> None:
    project.write(f"{folder}/{name}", json.dumps(changes))


def tuples(shop: TestLakehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in shop.rows(table, *columns)), key=str)


def test_changes_in_any_order_fill_tables_of_both_types(project: Project) -> None:
    project.write("source/customers.py", SOURCE)
    land(project, "a.json", change("A", 1, "Oslo", "basic"), change("B", 1, "Rome"), change("A", 5, "Paris", "gold"))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    land(project, "b.json", change("A", 3, "Oslo", "gold"), change("B", 4, op="D"), change("C", 2, "Bonn"))
    land(project, "c.json", change("B", 2, "Nice"), change("C", 2, "Bonn"))
    assert shop.update().state == "COMPLETED"

    assert tuples(shop, "customers") == [("A", "Paris", "gold"), ("C", "Bonn", None)]
    assert shop.columns("customers") == ["id", "city", "plan"]
    assert shop.columns("history") == ["ID", "city", "plan", "__START_AT", "__END_AT"]
    found = [
        (row["ID"], row["city"], row["plan"], row["__START_AT"]["at"], (row["__END_AT"] or {}).get("at"))
        for row in shop.rows("history")
    ]
    assert sorted(found, key=str) == [
        ("A", "Oslo", "gold", 1, 5),
        ("A", "Paris", "gold", 5, None),
        ("B", "Nice", None, 2, 4),
        ("B", "Rome", None, 1, 2),
        ("C", "Bonn", None, 2, None),
    ]
    assert shop.counted_by_events("customers", "history") == {"customers": 2, "history": 5}
    definitions = {one["output_dataset"]: one["flow_type"] for one in shop.logged("flow_definition")}
    assert (definitions["customers"], definitions["history"]) == ("CHANGE", "CHANGE")


SEVERAL = """
import dlt

HINTS = "id STRING, at INT, op STRING, city STRING, plan STRING"
READER = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaHints", HINTS)

dlt.create_streaming_table("customers")

for region in ("north", "south"):

    @dlt.table(name=region)
    def changes(region=region):
        return READER.load(f"/Volumes/main/shop/raw/{region}").drop("part", "_rescued_data")

    dlt.create_auto_cdc_flow(
        "customers", region, ["id"], "at", except_column_list=["op", "at"],
        apply_as_truncates="op = 'T'", ignore_null_updates_column_list=["plan"], name=f"from_{region}",
    )
"""


@pytest.mark.slow
def test_changes_of_two_flows_make_one_table(project: Project) -> None:
    project.write("source/customers.py", SEVERAL)
    land(project, "a.json", change("A", 1, "Oslo", "basic"), change("B", 3, "Rome", "gold"), folder="raw/north")
    land(project, "a.json", change("A", 2), folder="raw/south")
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert tuples(shop, "customers") == [("A", None, "basic"), ("B", "Rome", "gold")]
    land(project, "b.json", change("X", 2, op="T"), folder="raw/south")
    assert shop.update().state == "COMPLETED"
    assert tuples(shop, "customers") == [("B", "Rome", "gold")]


JUDGED = """
import dlt

dlt.create_streaming_table(
    "customers",
    expect_all={"has_plan": "plan IS NOT NULL"},
    expect_all_or_drop={"has_id": "id IS NOT NULL", "has_city": "city IS NOT NULL"},
)
dlt.apply_changes("customers", "changes", ["id"], "at", apply_as_deletes="op = 'D'", column_list=["id", "city"])


@dlt.table
def changes():
    return (
        spark.readStream.format("cloudFiles")
        .option("cloudFiles.format", "json")
        .option("cloudFiles.schemaHints", "id STRING, at INT, op STRING, city STRING, plan STRING")
        .load("/Volumes/main/shop/raw")
    )
"""


def test_expectations_of_a_table_judge_its_changes_but_for_deletes(project: Project) -> None:
    project.write("source/customers.py", JUDGED)
    land(project, "a.json", change("A", 1, "Oslo", "basic"), change("B", 1, "Rome"), {"at": 1, "city": "Bonn"})
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    land(project, "b.json", change("A", 2), change("B", 2, op="D"))
    assert shop.update().state == "COMPLETED"
    assert tuples(shop, "customers") == [("A", "Oslo")]
    assert [
        (row["id"], row["at"], row["failed_expectations"]) for row in shop.rows("customers__quarantine", by="at")
    ] == [
        (None, 1, ["has_id"]),
        ("A", 2, ["has_city"]),
    ]
    assert [
        {rule["name"]: rule["failed_records"] for rule in one["expectations"]}
        for one in shop.quality("customers__changes")
    ] == [{"has_plan": 2, "has_id": 1, "has_city": 0}, {"has_plan": 1, "has_id": 0, "has_city": 1}]
