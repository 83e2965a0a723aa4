"""Tables that Spark reads as the files of one version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from delta.tables import DeltaTable as SparkTable
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.reading import scan
from pipeline.delta.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def found(spark: SparkSession, table: DeltaTable) -> DataFrame:
    rows = scan(spark, table)
    assert rows is not None
    return rows


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of three commits, the last with a new column, in a folder whose name looks like a pattern."""
    path = tmp_path / "a {home} * 100 % ü" / "readings"
    for number, columns in enumerate(({}, {}, {"line": ["B"]})):
        rows = {"number": [number], "at": pa.array([NOON + number * HOUR], pa.timestamp("us", "UTC")), **columns}
        write_deltalake(path, pa.table(rows), mode="append", schema_mode="merge")
    return path


def test_scan_has_a_version_s_rows_and_columns_with_null_where_a_file_lacks_one(
    table: Path, spark: SparkSession
) -> None:
    newest, second = found(spark, DeltaTable(table)), found(spark, DeltaTable(table, version=1))
    delta = spark.read.format("delta").load(str(table))
    assert newest.schema == delta.schema
    rows = sorted(newest.select("number", "line").collect())
    assert [tuple(row) for row in rows] == [(0, None), (1, None), (2, "B")]
    assert (second.columns, second.count()) == (["number", "at"], 2)


def test_scan_stays_with_its_version_whatever_becomes_of_the_table(table: Path, spark: SparkSession) -> None:
    before = found(spark, DeltaTable(table))
    DeltaTable(table).delete("number = 1")
    assert (before.count(), Table(table).read(spark).count()) == (3, 2)


def test_scan_reads_no_file_that_its_statistics_rule_out(table: Path, spark: SparkSession) -> None:
    rows = Table(table).read(spark, ("at", [(NOON + HOUR, NOON + 2 * HOUR)]))
    assert [row["number"] for row in rows.collect()] == [1]
    assert len(rows.inputFiles()) == 1


def test_scan_reads_a_file_whose_statistics_are_cut_short(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT TIMESTAMP '2026-03-01 12:00:00.000900Z' AS at").write.format("delta").save(
        str(tmp_path / "table")
    )
    begin = NOON + timedelta(microseconds=500)
    assert Table(tmp_path / "table").read(spark, ("at", [(begin, begin + HOUR)])).count() == 1


def test_scan_of_a_table_without_rows_has_its_columns(table: Path, spark: SparkSession) -> None:
    DeltaTable(table).delete()
    rows = found(spark, DeltaTable(table))
    assert (rows.columns, rows.count()) == (["number", "at", "line"], 0)


@pytest.mark.parametrize(
    ("options", "partitioned_by"),
    [
        pytest.param({"delta.enableDeletionVectors": "true"}, [], id="deletion_vectors"),
        pytest.param({"delta.columnMapping.mode": "name"}, [], id="column_mapping"),
        pytest.param({}, ["line"], id="partitions"),
    ],
)
def test_table_whose_rows_are_not_simply_those_of_its_files_is_left_to_delta(
    options: dict[str, str], partitioned_by: list[str], spark: SparkSession, tmp_path: Path
) -> None:
    rows = spark.sql("SELECT id, CASE WHEN id < 2 THEN 'A' ELSE 'B' END AS line FROM range(4)")
    rows.write.format("delta").options(**options).partitionBy(*partitioned_by).save(str(tmp_path / "table"))
    SparkTable.forPath(spark, str(tmp_path / "table")).delete("id = 1")
    assert scan(spark, DeltaTable(tmp_path / "table")) is None
    assert sorted(row["id"] for row in Table(tmp_path / "table").read(spark).collect()) == [0, 2, 3]
