"""A pipeline in SQL alone runs as it stands, and gives what the same pipeline in Python would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.flows.open import open_lakehouse
from pipeline.foundation.errors import AuthorError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

BRONZE = """-- Databricks notebook source
-- MAGIC %md
-- MAGIC # Orders

-- COMMAND ----------

SET shop.folder = /Volumes/main/shop/raw

-- COMMAND ----------

CREATE OR REFRESH STREAMING TABLE bronze COMMENT "As sent"
AS SELECT *, _metadata.file_name AS file FROM STREAM read_files('${shop.folder}', format => 'json')
"""
SILVER = """
CREATE OR REFRESH STREAMING TABLE main.shop.silver (
  CONSTRAINT has_customer EXPECT (customer IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT cheap EXPECT (amount < ${limit})
) TBLPROPERTIES ("quality" = "silver")
AS SELECT customer, amount FROM STREAM(LIVE.bronze) WHERE file LIKE '%.json';
"""
GOLD = """
CREATE MATERIALIZED VIEW gold (customer COMMENT 'Who', orders, total) AS
WITH silver AS (SELECT * FROM LIVE.silver WHERE amount IS NOT NULL)
SELECT s.customer, count(*), sum(amount) FROM silver s GROUP BY ALL;
"""
ORDERS = [
    {"customer": "Ada", "amount": 5},
    {"customer": "Ada", "amount": 500},
    {"customer": None, "amount": 1},
]


def test_pipeline_in_sql_fills_its_tables(project: Project) -> None:
    for name, text in {"a_gold": GOLD, "bronze": BRONZE, "silver": SILVER}.items():
        project.write(f"source/{name}.sql", text)
    project.write("raw/a.json", json.dumps(ORDERS))
    shop = project.settings(configuration={"limit": "100"})
    assert shop.update().state == "COMPLETED"
    assert shop.rows("bronze", "customer", "amount", "file", by="amount") == [
        {"customer": None, "amount": 1, "file": "a.json"},
        {"customer": "Ada", "amount": 5, "file": "a.json"},
        {"customer": "Ada", "amount": 500, "file": "a.json"},
    ]
    assert set(shop.columns("bronze")) == {"amount", "customer", "_rescued_data", "file"}
    assert shop.rows("silver", by="amount") == [{"customer": "Ada", "amount": 5}, {"customer": "Ada", "amount": 500}]
    assert shop.rows("silver__quarantine", "customer", "amount", "failed_expectations") == [
        {"customer": None, "amount": 1, "failed_expectations": ["has_customer"]}
    ]
    assert shop.rows("gold") == [{"customer": "Ada", "orders": 2, "total": 505}]
    [quality] = shop.quality("silver")
    assert (quality["dropped_records"], quality["warned_records"]) == (1, 1)
    definitions = {one["output_dataset"]: one for one in shop.logged("flow_definition")}
    assert definitions["gold"]["language"] == "SQL"
    assert definitions["gold"]["location"].endswith("a_gold.sql:2")


@pytest.mark.slow
def test_later_files_reach_every_table_of_a_pipeline_in_sql_once(project: Project) -> None:
    for name, text in {"a_gold": GOLD, "bronze": BRONZE, "silver": SILVER}.items():
        project.write(f"source/{name}.sql", text)
    project.write("raw/a.json", json.dumps(ORDERS))
    shop = project.settings(configuration={"limit": "100"})
    shop.update()
    project.write("raw/b.json", json.dumps([{"customer": "Bo", "amount": 2}]))
    assert shop.update().state == "COMPLETED"
    assert shop.update().state == "COMPLETED"
    assert shop.rows("gold", by="customer") == [
        {"customer": "Ada", "orders": 2, "total": 505},
        {"customer": "Bo", "orders": 1, "total": 2},
    ]


def test_query_in_sql_of_an_unknown_table_is_refused_with_file_and_line(project: Project) -> None:
    project.write("source/gold.sql", "\nCREATE MATERIALIZED VIEW gold AS\nSELECT *\nFROM nowhere;\n")
    shop = project.settings()
    with pytest.raises(AuthorError) as caught:
        open_lakehouse(shop.spark, shop.home, load_settings(shop.settings_file), shop.clock)
    assert f"{project.folder / 'source' / 'gold.sql'}:4: " in caught.value.problem
    assert "`nowhere`" in caught.value.problem
