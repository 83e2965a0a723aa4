"""Batches that a table takes once each, and how it knows them again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F  # noqa: N812

from pipeline.delta.batch import Batch, Written
from pipeline.delta.format_1 import may_have_forgotten, name_batches
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table
from tests.delta.test_commits import cut

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

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


def rows_for_spark(spark: SparkSession, count: int) -> SparkRows:
    """Return rows that no other writer takes: they have a struct."""
    return SparkRows(spark.range(count).select(F.struct("id").alias("reading")))


def test_append_of_a_batch_that_is_there_writes_nothing_and_tells_what_it_wrote(
    table: Table, spark: SparkSession
) -> None:
    before = table.version()
    again = table.append(rows_for_spark(spark, 100), batch(2))
    assert (again.rows, again.deleted_rows, table.version(), table.row_count()) == (3, 0, before, 6)
    assert table.written_by(batch(7)) == Written()


def test_every_append_names_its_batch_as_a_transaction_and_in_its_note(table: Table) -> None:
    transactions = [
        json.loads(line)["txn"]["version"]
        for file in table.log.files()
        for line in file.read_text(encoding="utf-8").splitlines()
        if "txn" in json.loads(line)
    ]
    assert transactions == [0, 1, 2]
    assert [found.batch_id for found, _ in table.commits()] == [2, 1, 0]
    assert table.committed_batch(FLOW) == 2
    assert table.committed_batch("another flow") == -1


def test_batch_without_rows_is_named_by_a_commit_of_its_own(table: Table, spark: SparkSession) -> None:
    before = table.version()
    assert table.append(rows_for_spark(spark, 0), batch(3)) == Written()
    assert (table.version(), table.committed_batch(FLOW), table.row_count()) == (before + 1, 3, 6)
    assert next(found for found, _ in table.commits()) == batch(3)
    assert table.append(rows_for_spark(spark, 5), batch(3)) == Written()
    assert table.append(rows_for_spark(spark, 5), batch(4)).rows == 5


def test_batch_is_known_again_when_its_commit_has_been_deleted(table: Table) -> None:
    DeltaTable(table.path).optimize.compact()
    cut(table.path)
    assert list(table.commits()) == []
    assert table.committed_batch(FLOW) == 2


def test_commit_with_a_note_of_somebody_else_is_passed_over(table: Table, spark: SparkSession) -> None:
    for note in ("by hand", "[1]"):
        rows_for_spark(spark, 1).rows.write.format("delta").mode("append").option("userMetadata", note).save(
            str(table.path)
        )
    assert table.committed_batch(FLOW) == 2
    assert table.written_by(batch(2)).rows == 3


@pytest.fixture
def noted(spark: SparkSession, tmp_path: Path) -> Table:
    """A table as format 1 has it: its newest commits name their batches in the note alone."""
    table = Table(tmp_path / "noted")
    for number in range(3):
        writer = spark.range(1).write.format("delta").mode("append").option("userMetadata", batch(number).note())
        (writer.options(**batch(number).transaction()) if number == 0 else writer).save(str(table.path))
    return table


def test_batch_of_format_1_that_only_its_note_names_is_named_by_the_migration(noted: Table) -> None:
    assert noted.committed_batch(FLOW) == 0
    name_batches(noted)
    assert DeltaTable(noted.path).transaction_version(FLOW) == 2
    version = noted.version()
    name_batches(noted)
    name_batches(Table(noted.path.with_name("none")))
    assert (noted.version(), noted.row_count()) == (version, 3)
    cut(noted.path)
    assert noted.committed_batch(FLOW) == 2


def test_log_of_format_1_that_has_lost_its_first_commits_may_have_forgotten_what_was_planned_before(
    noted: Table,
) -> None:
    newest = next(noted.log.newest_first()).info["timestamp"]
    assert not may_have_forgotten(noted, newest - 1)
    cut(noted.path)
    moments = (0, newest - 1, newest, newest + 1)
    assert [may_have_forgotten(noted, moment) for moment in moments] == [True, True, False, False]
