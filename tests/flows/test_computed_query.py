from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.flows.computed_query import ComputedQuery

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
COLUMNS = "device STRING, at TIMESTAMP, value DOUBLE"


def hourly(rows: DataFrame) -> DataFrame:
    doubled = F.udf(lambda value: value, "double")
    passed = rows.withColumn("value", doubled("value")).where("value > 2")
    return passed.groupBy("device", F.window("at", "1 hour")).agg(F.sum("value").alias("total"))


CHANGED: dict[str, Callable[[DataFrame], DataFrame]] = {
    "filter": lambda rows: hourly(rows.where("device <> 'P1'")),
    "limit_of_a_filter": lambda rows: hourly(rows).where("total > 3"),
    "column": lambda rows: hourly(rows).withColumnRenamed("total", "sum"),
    "order_of_columns": lambda rows: hourly(rows).select("total", "device", "window"),
}


@pytest.fixture
def recorded(spark: SparkSession, tmp_path: Path) -> Path:
    """The folder of a view that was computed with `hourly`."""
    query = ComputedQuery(tmp_path, hourly(spark.createDataFrame([], COLUMNS)), ["events"])
    assert (query.is_current(), query.former_sources()) == (False, None)
    query.record()
    return tmp_path


@pytest.mark.parametrize("columns", [COLUMNS, f"{COLUMNS}, later STRING"])
def test_query_that_is_planned_again_is_current_whatever_its_source_has_besides(
    recorded: Path, spark: SparkSession, columns: str
) -> None:
    again = ComputedQuery(recorded, hourly(spark.createDataFrame([], columns)), ["events"])

    assert (again.is_current(), again.former_sources()) == (True, ["events"])


@pytest.mark.parametrize("name", CHANGED)
def test_query_that_has_changed_is_not_current(recorded: Path, spark: SparkSession, name: str) -> None:
    changed = ComputedQuery(recorded, CHANGED[name](spark.createDataFrame([], COLUMNS)), ["events"])

    assert not changed.is_current()


def test_query_over_another_table_is_not_current(recorded: Path, spark: SparkSession) -> None:
    assert not ComputedQuery(recorded, hourly(spark.createDataFrame([], COLUMNS)), ["others"]).is_current()


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_record_that_cannot_be_read_counts_as_none(recorded: Path, spark: SparkSession, content: str) -> None:
    next(recorded.glob("*.json")).write_text(content)
    query = ComputedQuery(recorded, hourly(spark.createDataFrame([], COLUMNS)), ["events"])

    assert (query.is_current(), query.former_sources()) == (False, None)
