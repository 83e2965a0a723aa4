"""Commits that deltalake makes: of files that workers wrote, of rows in memory, and each of them once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from pipeline.delta.batch import Batch, Written
from pipeline.delta.rows import SparkRows
from pipeline.delta.snapshot import Snapshot
from pipeline.delta.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

FLOW = "0b8f9d5e-flow"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
COLUMNS = "number BIGINT NOT NULL, text STRING, at TIMESTAMP, value DOUBLE, is_hot BOOLEAN, warnings ARRAY<STRING>"
ROWS = [
    (1, "a", NOON, 1.5, True, ["late"]),
    (2, None, None, -2.0, False, []),
    (3, "é", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), None, None, None),
]


def batch(number: int) -> Batch:
    return Batch("an update", "readings", FLOW, number)


def readings(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    return spark.createDataFrame(rows, COLUMNS).coalesce(1)


def statistics(path: Path) -> list[Any]:
    actions = (json.loads(line) for file in Table(path).log.files() for line in file.read_text("utf-8").splitlines())
    return [json.loads(action["add"]["stats"]) for action in actions if "add" in action]


def by_spark(spark: SparkSession, path: Path) -> list[str]:
    return sorted(map(repr, spark.read.format("delta").load(str(path)).collect()))


def test_table_of_files_is_the_one_that_spark_would_have_written(spark: SparkSession, tmp_path: Path) -> None:
    ours, theirs = Table(tmp_path / "ours"), tmp_path / "theirs"
    for number, rows in enumerate((ROWS, ROWS[:1])):
        assert ours.append(SparkRows(readings(spark, rows)), batch(number)).rows == len(rows)
        readings(spark, rows).write.format("delta").mode("append").save(str(theirs))
    assert by_spark(spark, ours.path) == by_spark(spark, theirs)
    assert sorted(map(repr, ours.read(spark).collect())) == by_spark(spark, theirs)
    assert statistics(ours.path) == statistics(theirs)
    tables = [DeltaTable(path) for path in (ours.path, theirs)]
    assert len({table.schema().to_json() for table in tables}) == 1
    assert len({json.dumps(table.metadata().configuration, sort_keys=True) for table in tables}) == 1
    assert pa.table(tables[0].to_pyarrow_table()).num_rows == 4


def test_commit_says_in_the_history_what_it_wrote(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    written = table.append(SparkRows(spark.range(5)), batch(0))
    sizes = pa.table(DeltaTable(table.path).get_add_actions())["size_bytes"].to_pylist()
    assert written == Written(5, 0, sum(sizes))
    (entry,) = spark.sql(f"DESCRIBE HISTORY delta.`{table.path}`").collect()
    assert entry["operationMetrics"]["numOutputRows"] == "5"
    assert json.loads(entry["userMetadata"])["batch_id"] == 0
    assert table.append(SparkRows(spark.range(9)), batch(0)) == written


def test_first_batch_without_rows_begins_the_table_and_is_known_again(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    assert table.append(SparkRows(spark.range(0)), batch(0)) == Written()
    assert (table.version(), table.row_count(), table.committed_batch(FLOW)) == (0, 0, 0)
    assert [field.name for field in table.read(spark).schema] == ["id"]
    assert table.append(SparkRows(spark.range(2)), batch(1)).rows == 2


def test_rows_without_one_of_the_columns_have_null_there(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    table.append(SparkRows(spark.createDataFrame([(1, "a")], "number INT, text STRING")), batch(0))
    table.append(SparkRows(spark.createDataFrame([(2,)], "number INT")), batch(1))
    assert sorted(table.read(spark).collect()) == [(1, "a"), (2, None)]
    assert [commit.info["engineInfo"].startswith("delta-rs") for commit in table.log.newest_first()] == [True, True]


def test_column_that_the_table_lacks_is_added_by_spark_in_the_same_commit(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    table.append(SparkRows(spark.range(1)), batch(0))
    assert table.append(SparkRows(spark.createDataFrame([(2, "new")], "id BIGINT, text STRING")), batch(1)).rows == 1
    assert table.version() == 1
    assert sorted(table.read(spark).collect()) == [(0, None), (2, "new")]


def test_tables_begun_and_continued_by_either_engine_are_the_same(spark: SparkSession, tmp_path: Path) -> None:
    first = spark.createDataFrame([(1, ["late"], NOON)], "number INT NOT NULL, warnings ARRAY<STRING>, at TIMESTAMP")
    second = spark.createDataFrame([(None, 2)], "at TIMESTAMP, number INT")
    third = spark.createDataFrame([(3, "B")], "number INT, line STRING")
    tables = []
    for few in (True, False):
        table = Table(tmp_path / f"few_{few}")
        written = [
            table.append(SparkRows(rows, 10 if few else None), batch(number))
            for number, rows in enumerate((first, second, third))
        ]
        log = DeltaTable(table.path)
        tables.append({
            "rows": sorted(map(repr, table.read(spark).collect())),
            "schema": table.read(spark).schema.jsonValue(),
            "properties": log.metadata().configuration,
            "protocol": (log.protocol().min_reader_version, log.protocol().min_writer_version),
            "written": [one.rows for one in written],
            "batches": [found.batch_id for found, _ in table.commits()],
            "known": table.committed_batch(FLOW),
        })  # fmt: skip
    assert tables[0] == tables[1]
    assert tables[0]["known"] == 2


def test_append_of_few_rows_is_made_by_deltalake_and_says_what_it_wrote(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    written = table.append(SparkRows(spark.range(5), 5), batch(0))
    (added,) = DeltaTable(table.path).get_add_actions(flatten=True).column("size_bytes").to_pylist()
    assert written == Written(5, 0, added)
    assert table.append(SparkRows(spark.range(9), 9), batch(0)) == written
    assert table.append(SparkRows(spark.range(0), 0), batch(1)) == Written()
    assert (table.committed_batch(FLOW), table.row_count()) == (1, 5)
    assert DeltaTable(table.path).transaction_version(FLOW) == 1


def numbers(*values: int) -> pa.Table:
    return pa.table({"number": pa.array(values, pa.int64())})


def test_batch_that_somebody_else_has_committed_since_the_table_was_opened_is_refused(tmp_path: Path) -> None:
    Snapshot.opened(tmp_path / "table").append(numbers(1), batch(0))
    first, second = (Snapshot.opened(tmp_path / "table") for _ in range(2))
    assert (first.committed_batch(FLOW), second.committed_batch(FLOW)) == (0, 0)
    first.append(numbers(2), batch(1))
    with pytest.raises(CommitFailedError, match="Concurrent transaction failed"):
        second.append(numbers(2), batch(1))
    found = Snapshot.opened(tmp_path / "table")
    assert (found.version, found.row_count, found.committed_batch(FLOW)) == (1, 2, 1)


def test_snapshot_moves_on_with_its_own_commits(tmp_path: Path) -> None:
    snapshot = Snapshot.opened(tmp_path / "table")
    assert (snapshot.version, snapshot.row_count, snapshot.committed_batch(FLOW)) == (-1, 0, -1)
    for number in range(3):
        snapshot.append(numbers(number), batch(number))
        assert (snapshot.version, snapshot.row_count, snapshot.committed_batch(FLOW)) == (number, number + 1, number)
