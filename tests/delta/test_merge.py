"""Rows changed by key, by either engine: MERGE and DELETE, once for each batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from pipeline.delta.batch import Batch, Written
from pipeline.delta.merge import delete_all, delete_matching, replace_keys
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

FLOW = "0b8f9d5e-flow"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def batch(number: int) -> Batch:
    return Batch("an update", "summary", FLOW, number)


def engine_of_newest_commit(table: Table) -> str:
    info = next(table.log.newest_first()).info
    return "Spark" if info["engineInfo"].startswith("Apache-Spark") else info["engineInfo"].partition(":")[0]


def summary(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    return spark.createDataFrame(rows, "`Größe` STRING, window_start TIMESTAMP, maxTemp DOUBLE, n INT")


HELD = [
    ("a", NOON, 1.0, 1),
    (None, NOON, 2.0, 2),
    ("a", NOON + HOUR, 3.0, None),
    ("a", NOON - 2 * HOUR, 4.0, 4),
]
FRESH = [
    ("a", NOON, 1.0, 1),
    (None, NOON, 2.0, None),
    ("a", NOON + HOUR, 30.0, None),
    ("b", NOON, float("nan"), 5),
]
MERGED = [
    ("a", NOON, 1.0, 1),
    (None, NOON, 2.0, None),
    ("a", NOON + HOUR, 30.0, None),
    ("a", NOON - 2 * HOUR, 4.0, 4),
    ("b", NOON, float("nan"), 5),
]


@pytest.fixture
def held(spark: SparkSession, tmp_path: Path) -> Table:
    """A table with a NULL among its keys, and one window that nothing touches."""
    table = Table(tmp_path / "summary")
    table.append(SparkRows(summary(spark, HELD)), batch(0))
    return table


@pytest.mark.spark
@pytest.mark.parametrize(("few", "engine"), [(True, "delta-rs"), (False, "Spark")])
def test_merge_of_few_and_of_many_rows_gives_the_same(held: Table, spark: SparkSession, few: bool, engine: str) -> None:
    def merged(number: int) -> Written:
        keys, windows = ["Größe", "window_start"], ("window_start", NOON, NOON + 2 * HOUR)
        rows = SparkRows(summary(spark, FRESH), len(FRESH) if few else None)
        return replace_keys(spark, held, rows, keys, batch(number), windows)

    written = merged(1)
    assert engine_of_newest_commit(held) == engine
    assert (written.rows, written.deleted_rows) == (3, 2)
    assert written.bytes > 0
    assert sorted(map(repr, held.read(spark).collect())) == sorted(map(repr, summary(spark, MERGED).collect()))
    again = merged(2)
    assert (again.rows, again.deleted_rows, held.committed_batch(FLOW)) == (0, 0, 2)


@pytest.mark.spark
def test_commits_of_spark_name_their_batch_and_leave_the_shared_session_as_it_was(
    held: Table, spark: SparkSession
) -> None:
    before = spark.conf.getAll
    gone = spark.createDataFrame([("a",)], "`Größe` STRING")
    assert delete_matching(spark, held, gone, ["Größe"], batch(1)).deleted_rows == 3
    assert delete_all(spark, held, batch(2)).deleted_rows == 1
    assert spark.conf.getAll == before
    assert DeltaTable(held.path).transaction_version(FLOW) == 2
    # An append by another flow, through the shared session, carries its own name.
    other = Batch("an update", "other", "another flow", 0)
    held.append(SparkRows(spark.createDataFrame([("b", 1)], "`Größe` STRING, new INT")), other)
    assert (held.committed_batch(FLOW), held.committed_batch("another flow")) == (2, 0)
    assert delete_all(spark, held, batch(2)).deleted_rows == 1
    assert held.row_count() == 1


@pytest.mark.spark
@pytest.mark.parametrize("few", [True, False])
def test_merge_with_a_column_that_the_table_lacks_adds_it_and_leaves_other_rows(
    held: Table, spark: SparkSession, few: bool
) -> None:
    schema = summary(spark, []).schema.add("floor", "string")
    fresh = [("a", NOON, 1.0, 1, "F1"), (None, NOON, 2.0, 2, None), ("b", NOON, 5.0, 5, None)]
    rows = SparkRows(spark.createDataFrame(fresh, schema), len(fresh) if few else None)
    written = replace_keys(spark, held, rows, ["Größe", "window_start"], batch(1))
    # The row whose new column is NULL comes out as it was.
    assert (written.rows, written.deleted_rows) == (2, 1)
    merged = [*fresh, ("a", NOON + HOUR, 3.0, None, None), ("a", NOON - 2 * HOUR, 4.0, 4, None)]
    assert sorted(map(repr, held.read(spark).collect())) == sorted(
        map(repr, spark.createDataFrame(merged, schema).collect())
    )
