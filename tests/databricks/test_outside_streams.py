"""Streams of Delta tables that no flow of the pipeline fills."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.flows.dry_run import facts_of
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

SOURCE = """
import dlt
from pyspark.sql.functions import col


@dlt.table
@dlt.expect_or_drop("positive", "amount > 0")
def orders():
    return spark.readStream.table("ref.sales.raw").select("id", "amount")


@dlt.table
def totals():
    return dlt.read("orders").groupBy().sum("amount").toDF("total")
"""
BY_PATH = """
import dlt


@dlt.view
def raw():
    return spark.readStream.format("delta").option("skipChangeCommits", "true").load("/Volumes/main/shop/raw/sales")


@dlt.table
def counted():
    return spark.readStream.table("raw").groupBy("id").count()
"""
IN_SQL = "CREATE STREAMING TABLE t AS SELECT id FROM STREAM(ref.sales.raw);\n"
TABLES = {"ref.sales.raw": "raw/sales"}


def add(project: Project, *rows: tuple[int, float], **more: Any) -> None:
    """Append rows to the outside table in one commit."""
    table = pa.table({"id": [one for one, _ in rows], "amount": [amount for _, amount in rows], **more})
    write_deltalake(str(project.folder / "raw/sales"), table, mode="append", schema_mode="merge")


def test_stream_of_an_outside_table_takes_each_row_once(project: Project) -> None:
    project.write("source/a.py", SOURCE)
    add(project, (1, 5.0), (2, -1.0))
    shop = project.settings(tables=TABLES)
    assert shop.update().state == "COMPLETED"
    add(project, (3, 2.5))
    assert shop.update().state == "COMPLETED"
    assert shop.update().state == "COMPLETED"
    assert shop.rows("orders", by="id") == [{"id": 1, "amount": 5.0}, {"id": 3, "amount": 2.5}]
    assert shop.rows("orders__quarantine", "id") == [{"id": 2}]
    assert shop.rows("totals") == [{"total": 7.5}]


def test_dry_run_names_the_table_that_keeps_the_rows_of_a_stream_from_outside(project: Project) -> None:
    add(project, (1, 5.0))
    opened = project.opened(SOURCE, tables=TABLES)
    kept = next(name for name in opened.graph.nodes if name.startswith("stream_raw_"))
    reads = {fact["name"]: fact["reads"] for fact in facts_of(opened)}
    assert reads == {kept: ["ref.sales.raw"], "orders": [kept], "orders__quarantine": ["orders"], "totals": ["orders"]}


@pytest.mark.slow
def test_stream_of_a_path_behind_a_view_keeps_a_state(project: Project) -> None:
    project.write("source/a.py", BY_PATH)
    add(project, (1, 5.0), (2, 1.0))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    DeltaTable(str(project.folder / "raw/sales")).delete("id = 2")
    add(project, (1, 2.5), channel=["web"])
    assert shop.update().state == "COMPLETED"
    assert shop.rows("counted", by="id") == [{"id": 1, "count": 2}, {"id": 2, "count": 1}]


@pytest.mark.slow
def test_stream_of_a_table_whose_rows_were_changed_stops_and_says_what_to_do(project: Project) -> None:
    project.write("source/a.sql", IN_SQL)
    add(project, (1, 5.0), (2, 1.0))
    shop = project.settings(tables=TABLES)
    assert shop.update().state == "COMPLETED"
    DeltaTable(str(project.folder / "raw/sales")).update(updates={"amount": "0.0"}, predicate="id = 2")
    result = shop.update()
    assert result.state == "FAILED"
    error = next(error for name, error in result.errors.items() if name.startswith("stream_raw"))
    assert "rows that were changed or deleted" in str(error)
    assert "skipChangeCommits" in str(error)
    assert shop.rows("t", by="id") == [{"id": 1}, {"id": 2}]


@pytest.mark.slow
def test_full_refresh_reads_the_outside_table_again(project: Project) -> None:
    project.write("source/a.sql", IN_SQL)
    add(project, (1, 5.0))
    shop = project.settings(tables=TABLES)
    assert shop.update().state == "COMPLETED"
    add(project, (2, 1.0))
    assert shop.update(full_refresh_all=True).state == "COMPLETED"
    assert shop.rows("t", by="id") == [{"id": 1}, {"id": 2}]


def test_stream_of_an_outside_table_that_is_not_there_waits_for_data(project: Project) -> None:
    with pytest.raises(NoDataError, match=r"a\.py:9: `ref\.sales\.raw`, a Delta table .* nothing is there"):
        project.opened(SOURCE, tables=TABLES)
    opened = project.opened(SOURCE, tables=TABLES, needs_data=False)
    assert set(opened.graph.unresolved) == {"orders", "orders__quarantine", "totals"}


def test_stream_of_an_outside_table_without_a_log_is_refused(project: Project) -> None:
    project.write("raw/sales.csv", "id,amount\n1,5.0\n")
    with pytest.raises(AuthorError, match=re.escape("is not a Delta table, whose log says what is new")) as raised:
        project.opened(SOURCE, tables={"ref.sales.raw": "raw/sales.csv"})
    assert "a.py:9: " in raised.value.problem
