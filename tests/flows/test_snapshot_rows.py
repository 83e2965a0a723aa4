"""What a snapshot changes, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.declare.change_flow import DELETE, OPERATION, SEQUENCE, UPSERT, ChangeFlow
from pipeline.declare.changes import Changes
from pipeline.declare.dataset import SourceLocation
from pipeline.flows.snapshot_rows import UnclearSnapshotError, check_keys, differences

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

HISTORY = "id STRING, city STRING, __START_AT BIGINT, __END_AT BIGINT"


def changes(scd_type: Any = 1) -> Changes:
    here = SourceLocation(__file__, 1)
    return Changes((ChangeFlow("registry", "devices", ("id",), "", here, scd_type=scd_type),))


def found(snapshot: DataFrame, held: DataFrame | None, scd_type: int = 1) -> list[tuple[Any, ...]]:
    events = differences(snapshot, held, changes(scd_type), F.lit(7).cast("bigint"))
    assert events.columns[-2:] == [SEQUENCE, OPERATION]
    return sorted((tuple(row) for row in events.collect()), key=str)


def test_first_snapshot_brings_all_of_its_rows(spark: SparkSession) -> None:
    snapshot = spark.createDataFrame([("A", "Oslo"), ("B", None)], "id STRING, city STRING")
    assert found(snapshot, None) == [("A", "Oslo", 7, UPSERT), ("B", None, 7, UPSERT)]


def test_later_snapshot_brings_new_changed_and_gone_keys(spark: SparkSession) -> None:
    held = spark.createDataFrame([("A", "Oslo"), ("B", None), ("C", "Bonn"), ("D", None)], "id STRING, city STRING")
    snapshot = spark.createDataFrame(
        [("A", "Paris"), ("B", None), ("D", "Rome"), ("E", None)], "id STRING, city STRING"
    )
    assert found(snapshot, held) == [
        ("A", "Paris", 7, UPSERT), ("C", "Bonn", 7, DELETE), ("D", "Rome", 7, UPSERT), ("E", None, 7, UPSERT)
    ]  # fmt: skip


def test_only_versions_that_hold_are_compared(spark: SparkSession) -> None:
    held = spark.createDataFrame([("A", "Oslo", 1, 3), ("A", "Rome", 3, None), ("B", "Bonn", 1, 2)], HISTORY)
    snapshot = spark.createDataFrame([("A", "Rome"), ("B", "Bonn")], "id STRING, city STRING")
    assert found(snapshot, held, 2) == [("B", "Bonn", 7, UPSERT)]


def test_column_that_one_of_the_two_lacks_is_null_there(spark: SparkSession) -> None:
    held = spark.createDataFrame([("A", 1), ("B", None)], "id STRING, size INT")
    snapshot = spark.createDataFrame([("A", None), ("B", None)], "id STRING, city STRING")
    assert found(snapshot, held) == [("A", None, None, 7, UPSERT)]


def test_maps_and_structs_are_compared(spark: SparkSession) -> None:
    schema = "id STRING, tags MAP<STRING, INT>, place STRUCT<hall: INT>"
    held = spark.createDataFrame([("A", {"a": 1, "b": 2}, (1,)), ("B", {"a": 1}, (1,))], schema)
    snapshot = spark.createDataFrame([("A", {"b": 2, "a": 1}, (1,)), ("B", {"a": 1}, (2,))], schema)
    assert [row[0] for row in found(snapshot, held)] == ["B"]


def test_keys_that_are_missing_or_shared_are_counted(spark: SparkSession) -> None:
    snapshot = spark.createDataFrame([("A",), ("A",), ("B",), ("B",), ("B",), (None,), (None,)], "id STRING")
    with pytest.raises(UnclearSnapshotError) as raised:
        check_keys(snapshot, changes(), "registry")
    assert (raised.value.without_key, raised.value.shared) == (2, 2)
    assert "2 rows have NULL in `id` and 2 values of `id` have several rows" in raised.value.problem
    assert check_keys(snapshot.where("id = 'C'"), changes(), "registry") == 0
