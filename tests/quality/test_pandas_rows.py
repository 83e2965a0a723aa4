"""What Great Expectations says of the same rows in memory and over Spark."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.quality.compiler import load_suite, open_context
from pipeline.quality.pandas_rows import as_pandas, judges_alike
from pipeline.quality.table_verdict import exception_in
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

COUNT = 60
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
UNLIKE = [
    expectation("column_values_to_match_regex", "pattern", "warn", column="text", regex="a"),
    expectation("column_sum_to_be_between", "sum", "warn", column="number", min_value=0),
    expectation("column_values_to_be_in_set", "set", "warn", column="whole", value_set=["1"]),
    expectation("column_values_to_not_be_null", "truth", "warn", column="truth"),
    expectation("column_max_to_be_between", "not_a_number", "warn", column="holes", max_value=9),
    expectation(
        "column_values_to_be_unique", "some", "warn", column="text",
        row_condition={"type": "comparison", "column": {"name": "text"}, "operator": "==", "parameter": "a"},
    ),
]  # fmt: skip


def some(chance: random.Random, value: Callable[[int], Any]) -> list[Any]:
    return [None if chance.random() < 0.1 else value(number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    chance = random.Random(11)
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "id": [f"record {number}" for number in range(COUNT)],
            "text": some(chance, lambda _: chance.choice("abcdé")),
            "number": pa.array(some(chance, lambda _: round(chance.gauss(25, 8), 1)), pa.float64()),
            "whole": pa.array(some(chance, lambda _: chance.randrange(9)), pa.int64()),
            "at": pa.array(some(chance, lambda n: MIDNIGHT + timedelta(hours=n, microseconds=n)), moment),
            "nothing": pa.array([None] * COUNT, pa.float64()),
            "truth": pa.array([True, None] * (COUNT // 2)),
            "holes": pa.array([1.5, float("nan")] * (COUNT // 2)),
        }
    )


def judged(context: Any, folder: Path, source: Any, frame: Any) -> dict[str, Any]:
    """Return what is counted, seen and said of each expectation of a suite, by its name."""
    batches = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    suite = load_suite(context, "rows", folder / "rows.json")
    result = batches.get_batch(batch_parameters={"dataframe": frame}).validate(suite, result_format="SUMMARY")
    told = ("element_count", "missing_count", "unexpected_count", "observed_value")
    return {
        item["expectation_config"]["meta"]["name"]: (
            bool(item["success"]),
            *(item["result"].get(key) for key in told),
            exception_in(item),
        )
        for item in result.to_json_dict()["results"]
    }


def test_rows_in_memory_are_judged_as_spark_judges_them(spark: SparkSession, rows: pa.Table, tmp_path: Path) -> None:
    expectations = [
        expectation(kind, f"{kind} {column}", "warn", column=column, **limits)
        for column in ("id", "text", "number", "whole", "at", "nothing")
        for kind, limits in (
            ("column_values_to_be_null", {}),
            ("column_values_to_not_be_null", {}),
            ("column_values_to_be_unique", {}),
            ("column_values_to_be_unique", {"mostly": 0.3}),
            ("column_unique_value_count_to_be_between", {"min_value": 2, "max_value": 30}),
        )[: 5 if column in {"text", "at"} else 3]
    ]
    expectations += [
        expectation(kind, f"{kind} {column}", "warn", column=column, min_value=least, max_value=greatest)
        for column, least, greatest in (
            ("number", 8, 30), ("whole", 0, 8), ("nothing", 0, 1), ("at", "2026-03-01T05:00:00", "2026-03-04T00:00:00"),
        )
        for kind in ("column_values_to_be_between", "column_max_to_be_between", "column_min_to_be_between")
    ]  # fmt: skip
    expectations += [
        expectation("column_mean_to_be_between", "mean", "warn", column="number", min_value=20, max_value=30),
        expectation("compound_columns_to_be_unique", "ids", "warn", column_list=["id", "text"]),
        expectation("compound_columns_to_be_unique", "pairs", "warn", column_list=["text", "whole"]),
        expectation("table_row_count_to_be_between", "rows", "warn", min_value=1),
        expectation("table_row_count_to_equal", "other rows", "warn", value=COUNT + 1),
        expectation("table_column_count_to_be_between", "columns", "warn", max_value=3),
        expectation("table_columns_to_match_set", "set", "warn", column_set=["id", "text"], exact_match=False),
        expectation("table_columns_to_match_set", "exact set", "warn", column_set=["id", "text"]),
    ]
    folder = tmp_path / "suites"
    write_suite(folder, "rows", *expectations)
    context = open_context(folder)
    assert all(judges_alike(item, rows) for item in load_suite(context, "rows", folder / "rows.json").expectations)
    in_memory = judged(
        context,
        folder,
        context.data_sources.add_or_update_pandas("memory"),
        as_pandas(rows, load_suite(context, "rows", folder / "rows.json").expectations),
    )
    over_spark = context.data_sources.add_or_update_spark("spark", persist=False)
    assert in_memory == judged(context, folder, over_spark, spark.createDataFrame(rows))
    assert len(in_memory) > 30
    assert {passed for passed, *_ in in_memory.values()} == {True, False}
    assert {problem for *_, problem in in_memory.values()} == {None}


def test_expectation_that_pandas_would_judge_otherwise_is_not_its(rows: pa.Table, tmp_path: Path) -> None:
    folder = tmp_path / "suites"
    write_suite(folder, "rows", *UNLIKE)
    suite = load_suite(open_context(folder), "rows", folder / "rows.json")
    assert [item.meta["name"] for item in suite.expectations if judges_alike(item, rows)] == []
