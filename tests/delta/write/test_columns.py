"""Which columns deltalake stores exactly as Spark does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.write.columns import can_append, can_create, can_merge

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("device_id", pa.string(), True, id="text"),
        pytest.param("at", pa.timestamp("us", "UTC"), True, id="moment"),
        pytest.param("warnings", pa.list_(pa.string()), True, id="list"),
        pytest.param("at", pa.timestamp("us"), False, id="moment_without_zone"),
        pytest.param("nothing", pa.null(), False, id="no_type"),
        pytest.param("nested", pa.struct([("a", pa.list_(pa.int64()))]), True, id="struct"),
        pytest.param("pairs", pa.map_(pa.string(), pa.decimal128(5, 2)), True, id="map"),
        pytest.param(
            "nested", pa.struct([pa.field("a", pa.int64(), nullable=False)]), False, id="struct_without_nulls"
        ),
        pytest.param("nested", pa.struct([("a", pa.timestamp("us"))]), False, id="moment_without_zone_in_a_struct"),
        pytest.param("full", pa.list_(pa.field("item", pa.string(), nullable=False)), False, id="list_without_nulls"),
        pytest.param("Number", pa.int64(), False, id="another_column_s_name_in_capitals"),
        pytest.param("a name", pa.int64(), False, id="name_that_delta_refuses"),
    ],
)
def test_table_is_begun_with_columns_that_both_engines_store_alike(
    name: str, kind: pa.DataType, expected: bool
) -> None:
    assert can_create(pa.schema([("number", pa.int64()), (name, kind)])) is expected


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
    table = DeltaTable(tmp_path / "table")
    assert (can_append(table, schema), can_merge(table, schema)) == (appends, merges)


@pytest.mark.spark
def test_table_with_features_is_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "table"
    spark.range(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(str(path))
    assert not can_append(DeltaTable(path), pa.schema([("id", pa.int64())]))
