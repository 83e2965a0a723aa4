"""Flows with `once`, in Python and in SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError
from tests.databricks.test_changes import change, land, tuples

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

PYTHON = """
from pyspark import pipelines as dp

SCHEMA = "id STRING, at INT, part INT, op STRING, city STRING, plan STRING"
COLUMNS = ["op", "at", "part", "plan"]

dp.create_streaming_table("cities", expect_all_or_drop={"has_city": "city IS NOT NULL"})


@dp.append_flow(target="cities", once=True)
def backfill():
    return spark.read.schema(SCHEMA).json("/Volumes/main/shop/raw/former").select("id", "city")


@dp.table
def changes():
    reader = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").schema(SCHEMA)
    return reader.load("/Volumes/main/shop/raw/changes")


@dp.temporary_view
def former():
    return spark.read.schema(SCHEMA).json("/Volumes/main/shop/raw/former")


dp.create_streaming_table("newest", expect_all_or_drop={"has_id": "id IS NOT NULL"})
dp.create_auto_cdc_flow("newest", "former", ["id"], "at", except_column_list=COLUMNS, name="first", once=True)
dp.create_auto_cdc_flow("newest", "changes", ["id"], "at", except_column_list=COLUMNS, name="then")
"""
SQL = """
CREATE STREAMING TABLE copied;
CREATE FLOW backfill AS INSERT INTO ONCE copied BY NAME SELECT id, city FROM newest;
CREATE STREAMING TABLE kept FLOW AUTO CDC ONCE FROM newest KEYS (id) SEQUENCE BY id;
"""


def test_flows_with_once_read_their_source_whole_a_single_time(project: Project) -> None:
    project.write("source/a.py", PYTHON)
    project.write("source/b.sql", SQL)
    land(project, "a.json", change("A", 3, "Oslo"), change("B", 1, None), {"at": 1}, folder="raw/former")
    land(project, "a.json", change("A", 2, "Nice"), folder="raw/changes")
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    land(project, "b.json", change("C", 1, "Bonn"), folder="raw/former")
    land(project, "b.json", change("B", 2, "Rome"), folder="raw/changes")
    assert shop.update().state == "COMPLETED"
    assert tuples(shop, "cities") == [("A", "Oslo")]
    assert tuples(shop, "newest") == [("A", "Oslo"), ("B", "Rome")]
    assert tuples(shop, "copied") == tuples(shop, "kept") == [("A", "Oslo"), ("B", None)]
    assert [row["id"] for row in shop.rows("cities__quarantine", "id")] == [None, "B"][::-1]


def test_flow_with_once_over_a_stream_is_refused_with_its_line(project: Project) -> None:
    project.write("raw/a.json", json.dumps([{"id": 1}]))
    text = (
        "import dlt\ndlt.create_streaming_table('t')\n@dlt.append_flow(target='t', once=True)\ndef f():\n"
        "    return spark.readStream.format('cloudFiles').option('cloudFiles.format', 'json').load('/Volumes/main/shop/raw')\n"
    )
    with pytest.raises(AuthorError, match="gives `t` rows once reads a stream") as raised:
        project.opened(text)
    assert "a.py:3: " in raised.value.problem
