"""Batches that a table takes once each, and how it knows them again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F  # noqa: N812

from pipeline.batch import Batch, Written
from pipeline.merge import committing
from pipeline.tables import NotCommittedError, Table
from tests.test_commit_log import cut

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

FLOW = "0b8f9d5e-flow"


def batch(number: int) -> Batch:
    return Batch("an update", "readings", FLOW, number)


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Table:
    """A table to which a flow has appended batches 0 to 2, of one, two and three rows, by Spark's writer."""
    table = Table(tmp_path / "readings")
    for number in range(3):
        table.append(rows_for_spark(spark, number + 1), batch(number))
    return table


def rows_for_spark(spark: SparkSession, count: int) -> DataFrame:
    """Return rows that no other writer takes: they have a struct."""
    return spark.range(count).select(F.struct("id").alias("reading"))


def test_append_of_a_batch_that_is_there_writes_nothing_and_tells_what_it_wrote(
    table: Table, spark: SparkSession
) -> None:
    before = table.version()
    again = table.append(rows_for_spark(spark, 100), batch(2))
    assert (again.rows, again.deleted_rows, table.version(), table.row_count()) == (3, 0, before, 6)
    assert table.written_by(batch(7)) == Written()


def test_append_of_a_later_batch_names_it_in_its_note_alone(table: Table) -> None:
    kinds = [
        {kind for line in file.read_text(encoding="utf-8").splitlines() for kind in json.loads(line)}
        for file in table.log.files()
    ]
    assert ["txn" in found for found in kinds] == [True, False, False]
    assert [found.batch_id for found, _ in table.commits()] == [2, 1, 0]
    assert table.committed_batch(FLOW) == 2
    assert table.committed_batch("another flow") == -1


def test_append_beside_merges_of_another_flow_commits_its_own_rows_under_its_own_name(
    table: Table, spark: SparkSession
) -> None:
    for number in (3, 4):
        with committing(spark, Batch("an update", "summary", "another flow", 7)):
            assert table.append(rows_for_spark(spark, 5), batch(number)).rows == 5
    assert (table.row_count(), table.committed_batch(FLOW), table.committed_batch("another flow")) == (16, 4, -1)


def test_batch_without_rows_is_named_by_a_commit_of_its_own(table: Table, spark: SparkSession) -> None:
    before = table.version()
    assert table.append(rows_for_spark(spark, 0), batch(3)) == Written()
    assert (table.version(), table.committed_batch(FLOW), table.row_count()) == (before + 1, 3, 6)
    assert next(found for found, _ in table.commits()) == batch(3)
    assert table.append(rows_for_spark(spark, 5), batch(3)) == Written()
    assert table.append(rows_for_spark(spark, 5), batch(4)).rows == 5


def test_batch_whose_rows_delta_made_no_commit_for_is_not_taken_for_one_without_rows(
    table: Table, spark: SparkSession
) -> None:
    # Somebody's transaction in the session's settings, newer than this one: Delta takes the append for done.
    for key, value in (("txnAppId", FLOW), ("txnVersion", "9")):
        spark.conf.set(f"spark.databricks.delta.write.{key}", value)
    try:
        rows_for_spark(spark, 1).write.format("delta").mode("append").save(str(table.path))
        with pytest.raises(NotCommittedError, match="no commit for batch 10 of `readings`"):
            table.append(rows_for_spark(spark, 5), batch(10))
    finally:
        for key in ("txnAppId", "txnVersion"):
            spark.conf.unset(f"spark.databricks.delta.write.{key}")
    assert table.append(rows_for_spark(spark, 5), batch(10)).rows == 5


def test_batch_that_is_kept_outlives_its_commit(table: Table) -> None:
    table.keep_batch(FLOW)
    version = table.version()
    table.keep_batch(FLOW)
    assert table.version() == version
    cut(table.path)
    assert table.committed_batch(FLOW) == 2


def test_batch_that_is_not_kept_is_forgotten_with_its_commit(table: Table) -> None:
    assert not table.has_forgotten(FLOW)
    DeltaTable(table.path).optimize.compact()
    cut(table.path)
    assert table.has_forgotten(FLOW)
    assert table.committed_batch(FLOW) == 0


def test_commit_with_a_note_of_somebody_else_is_passed_over(table: Table, spark: SparkSession) -> None:
    for note in ("by hand", "[1]"):
        rows_for_spark(spark, 1).write.format("delta").mode("append").option("userMetadata", note).save(str(table.path))
    assert table.committed_batch(FLOW) == 2
    assert table.written_by(batch(2)).rows == 3
