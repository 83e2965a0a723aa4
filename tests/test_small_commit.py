"""Commits that deltalake makes in Spark's place: when it may, and what comes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.batch import Batch, Written
from pipeline.merge import merge_keys
from pipeline.small_commit import can_append, can_merge
from pipeline.tables import Table

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


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("device_id", pa.string(), True, id="text"),
        pytest.param("at", pa.timestamp("us", "UTC"), True, id="moment"),
        pytest.param("warnings", pa.list_(pa.string()), True, id="list"),
        pytest.param("at", pa.timestamp("us"), False, id="moment_without_zone"),
        pytest.param("nothing", pa.null(), False, id="no_type"),
        pytest.param("nested", pa.struct([("a", pa.int64())]), False, id="struct"),
        pytest.param("full", pa.list_(pa.field("item", pa.string(), nullable=False)), False, id="list_without_nulls"),
        pytest.param("Number", pa.int64(), False, id="another_column_s_name_in_capitals"),
        pytest.param("a name", pa.int64(), False, id="name_that_delta_refuses"),
    ],
)
def test_table_is_begun_with_columns_that_both_engines_store_alike(
    name: str, kind: pa.DataType, expected: bool, tmp_path: Path
) -> None:
    assert can_append(tmp_path / "new", pa.schema([("number", pa.int64()), (name, kind)])) is expected


@pytest.mark.parametrize(
    ("columns", "appends", "merges"),
    [
        pytest.param({"number": pa.int64(), "text": pa.string()}, True, True, id="the_very_columns"),
        pytest.param({"text": pa.string(), "number": pa.int64()}, True, True, id="in_another_order"),
        pytest.param({"number": pa.int64()}, True, False, id="one_missing"),
        pytest.param({"number": pa.int64(), "text": pa.string(), "new": pa.string()}, False, False, id="one_new"),
        pytest.param({"number": pa.float64(), "text": pa.string()}, False, False, id="another_type"),
        pytest.param({"Number": pa.int64(), "text": pa.string()}, False, False, id="another_name"),
    ],
)
def test_table_takes_rows_without_spark_where_they_have_its_columns(
    columns: dict[str, pa.DataType], appends: bool, merges: bool, tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "table", pa.table({"number": [1], "text": ["a"]}))
    schema = pa.schema(list(columns.items()))
    assert (can_append(tmp_path / "table", schema), can_merge(tmp_path / "table", schema)) == (appends, merges)


@pytest.mark.spark
def test_table_with_features_is_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "table"
    spark.range(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(str(path))
    assert not can_append(path, pa.schema([("id", pa.int64())]))


@pytest.mark.spark
def test_tables_begun_and_continued_by_either_engine_are_the_same(spark: SparkSession, tmp_path: Path) -> None:
    first = spark.createDataFrame([(1, ["late"], NOON)], "number INT NOT NULL, warnings ARRAY<STRING>, at TIMESTAMP")
    second = spark.createDataFrame([(None, 2)], "at TIMESTAMP, number INT")
    third = spark.createDataFrame([(3, "B")], "number INT, line STRING")
    tables = []
    for few in (True, False):
        table = Table(tmp_path / f"few_{few}")
        written = [table.append(rows, batch(number), few=few) for number, rows in enumerate((first, second, third))]
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


@pytest.mark.spark
def test_append_of_few_rows_is_made_by_deltalake_and_says_what_it_wrote(spark: SparkSession, tmp_path: Path) -> None:
    table = Table(tmp_path / "table")
    written = table.append(spark.range(5), batch(0), few=True)
    (added,) = DeltaTable(table.path).get_add_actions(flatten=True).column("size_bytes").to_pylist()
    assert (engine_of_newest_commit(table), written) == ("delta-rs", Written(5, 0, added))
    assert table.append(spark.range(9), batch(0), few=True) == written
    assert table.append(spark.range(0), batch(1), few=True) == Written()
    assert (table.committed_batch(FLOW), table.row_count()) == (1, 5)
    # Unlike its note, the transaction stays when the commit is deleted.
    assert DeltaTable(table.path).transaction_version(FLOW) == 1


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
    table.append(summary(spark, HELD), batch(0))
    return table


@pytest.mark.spark
@pytest.mark.parametrize(("few", "engine"), [(True, "delta-rs"), (False, "Spark")])
def test_merge_of_few_and_of_many_rows_gives_the_same(held: Table, spark: SparkSession, few: bool, engine: str) -> None:
    def merged(number: int) -> Written:
        keys, windows = ["Größe", "window_start"], (NOON, NOON + 2 * HOUR)
        return merge_keys(spark, held, summary(spark, FRESH), keys, windows, batch(number), few=few)

    written = merged(1)
    assert engine_of_newest_commit(held) == engine
    assert (written.rows, written.deleted_rows) == (3, 2)
    assert written.bytes > 0
    assert sorted(map(repr, held.read(spark).collect())) == sorted(map(repr, summary(spark, MERGED).collect()))
    again = merged(2)
    assert (again.rows, again.deleted_rows, held.committed_batch(FLOW)) == (0, 0, 2)
