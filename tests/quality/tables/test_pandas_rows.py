"""What Great Expectations says of the same rows in pandas and in Spark."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.quality.suite_file import load_suite, open_context
from pipeline.quality.tables.pandas_rows import JUDGED_ALIKE, as_pandas, judges_alike
from pipeline.quality.tables.table_verdict import exception_in
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

COUNT = 60
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def sometimes_null(chance: random.Random, value: Callable[[int], Any]) -> list[Any]:
    return [None if chance.random() < 0.1 else value(number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    chance = random.Random(11)
    timestamp = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "id": [f"record {number}" for number in range(COUNT)],
            "text": sometimes_null(chance, lambda _: chance.choice("abcdé")),
            "number": pa.array(sometimes_null(chance, lambda _: round(chance.gauss(25, 8), 1)), pa.float64()),
            "whole": pa.array(sometimes_null(chance, lambda _: chance.randrange(9)), pa.int64()),
            "at": pa.array(sometimes_null(chance, lambda n: MIDNIGHT + timedelta(hours=n, microseconds=n)), timestamp),
            "null": pa.array([None] * COUNT, pa.float64()),
            "truth": pa.array([True, None] * (COUNT // 2)),
            "with_nan": pa.array([1.5, float("nan")] * (COUNT // 2)),
        }
    )


def every_kind() -> list[dict[str, Any]]:
    """Return expectations of every kind that pandas judges, some of which these rows meet and some of which not."""
    found = [
        expectation(kind, f"{kind} {column} {limits}", "warn", column=column, **limits)
        for column in ("id", "text", "number", "whole", "at", "null")
        for kind, limits in (
            ("column_values_to_be_null", {}),
            ("column_values_to_not_be_null", {}),
            ("column_values_to_be_unique", {}),
            ("column_values_to_be_unique", {"mostly": 0.3}),
            ("column_unique_value_count_to_be_between", {"min_value": 2, "max_value": 30}),
        )[: 5 if column in {"text", "at"} else 3]
    ]
    found += [
        expectation(kind, f"{kind} {column}", "warn", column=column, min_value=least, max_value=greatest)
        for column, least, greatest in (
            ("number", 8, 30), ("whole", 0, 8), ("null", 0, 1), ("at", "2026-03-01T05:00:00", "2026-03-04T00:00:00"),
        )
        for kind in ("column_values_to_be_between", "column_max_to_be_between", "column_min_to_be_between")
    ]  # fmt: skip
    return [
        *found,
        expectation("column_mean_to_be_between", "mean", "warn", column="number", min_value=20, max_value=30),
        expectation(
            "column_quantile_values_to_be_between", "ends", "warn", column="whole",
            quantile_ranges={"quantiles": [0.0, 1.0], "value_ranges": [[0, 1], [5, 8]]},
        ),
        expectation("compound_columns_to_be_unique", "ids", "warn", column_list=["id", "text"]),
        expectation("compound_columns_to_be_unique", "pairs", "warn", column_list=["text", "whole"]),
        expectation("table_row_count_to_be_between", "rows", "warn", min_value=1),
        expectation("table_row_count_to_equal", "other rows", "warn", value=COUNT + 1),
        expectation("table_column_count_to_be_between", "columns", "warn", max_value=3),
        expectation("table_columns_to_match_set", "set", "warn", column_set=["id", "text"], exact_match=False),
        expectation("table_columns_to_match_set", "exact set", "warn", column_set=["id", "text"]),
    ]  # fmt: skip


class BothEngines:
    """Judges rows by a suite, in pandas and in Spark."""

    def __init__(self, spark: SparkSession, folder: Path, *expectations: dict[str, Any]) -> None:
        write_suite(folder, "rows", *expectations)
        self._spark = spark
        self._file = folder / "rows.json"
        self._context = open_context(folder)

    def suite(self) -> Any:
        return load_suite(self._context, "rows", self._file)

    def pandas(self, rows: pa.Table) -> dict[str, Any]:
        frame = as_pandas(rows, self.suite().expectations)
        return self._judged(self._context.data_sources.add_or_update_pandas("pandas"), frame)

    def spark(self, rows: pa.Table) -> dict[str, Any]:
        source = self._context.data_sources.add_or_update_spark("spark", persist=False)
        schema = self._spark.createDataFrame(rows.slice(0, 1)).schema if rows.num_rows else _schema(self._spark, rows)
        return self._judged(source, self._spark.createDataFrame(rows if rows.num_rows else [], schema))

    def _judged(self, source: Any, frame: Any) -> dict[str, Any]:
        """Return what is counted, observed and reported for each expectation, by its name."""
        batches = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch(batch_parameters={"dataframe": frame})
        result = batch.validate(self.suite(), result_format="SUMMARY")
        counts = ("element_count", "missing_count", "unexpected_count", "observed_value")
        return {
            item["expectation_config"]["meta"]["name"]: (
                bool(item["success"]),
                *(item["result"].get(key) for key in counts),
                exception_in(item),
            )
            for item in result.to_json_dict()["results"]
        }


def _schema(spark: SparkSession, rows: pa.Table) -> Any:
    filled = pa.table([pa.nulls(1, field.type) for field in rows.schema], rows.schema.names)
    return spark.createDataFrame(filled).schema


def test_every_kind_that_pandas_judges_is_compared_with_spark(rows: pa.Table, tmp_path: Path) -> None:
    write_suite(tmp_path, "rows", *every_kind())
    suite = load_suite(open_context(tmp_path), "rows", tmp_path / "rows.json")
    assert {item.expectation_type for item in suite.expectations} == JUDGED_ALIKE
    assert all(judges_alike(item, rows) for item in suite.expectations)


def test_rows_are_judged_alike_by_pandas_and_spark(spark: SparkSession, rows: pa.Table, tmp_path: Path) -> None:
    engines = BothEngines(spark, tmp_path, *every_kind())
    by_pandas = engines.pandas(rows)
    assert by_pandas == engines.spark(rows)
    assert {passed for passed, *_ in by_pandas.values()} == {True, False}
    assert {problem for *_, problem in by_pandas.values()} == {None}


def test_empty_table_is_judged_alike_by_pandas_and_spark(spark: SparkSession, rows: pa.Table, tmp_path: Path) -> None:
    engines = BothEngines(spark, tmp_path, *every_kind())
    empty = rows.slice(0, 0)
    by_pandas, by_spark = engines.pandas(empty), engines.spark(empty)
    assert {name: passed for name, (passed, *_) in by_pandas.items()} == {
        name: passed for name, (passed, *_) in by_spark.items()
    }


JUDGED_DIFFERENTLY = [
    expectation("column_values_to_match_regex", "a Java pattern", "warn", column="text", regex="^\\p{Alpha}$"),
    expectation("column_sum_to_be_between", "sum of nulls", "warn", column="null", min_value=0),
    expectation("column_max_to_be_between", "maximum with NaN", "warn", column="with_nan", max_value=9),
]
NOT_COMPARED = [
    expectation("column_values_to_not_be_null", "a column of another type", "warn", column="truth"),
    expectation(
        "column_values_to_be_unique", "some rows", "warn", column="text",
        row_condition={"type": "comparison", "column": {"name": "text"}, "operator": "==", "parameter": "a"},
    ),
]  # fmt: skip


def test_expectation_that_pandas_judges_differently_is_left_to_spark(
    spark: SparkSession, rows: pa.Table, tmp_path: Path
) -> None:
    engines = BothEngines(spark, tmp_path, *JUDGED_DIFFERENTLY)
    by_pandas, by_spark = engines.pandas(rows), engines.spark(rows)
    assert [name for name in by_pandas if by_pandas[name] == by_spark[name]] == []
    assert [item.meta["name"] for item in engines.suite().expectations if judges_alike(item, rows)] == []


def test_expectation_that_was_not_compared_is_left_to_spark(rows: pa.Table, tmp_path: Path) -> None:
    write_suite(tmp_path, "rows", *NOT_COMPARED)
    suite = load_suite(open_context(tmp_path), "rows", tmp_path / "rows.json")
    assert [item.meta["name"] for item in suite.expectations if judges_alike(item, rows)] == []
