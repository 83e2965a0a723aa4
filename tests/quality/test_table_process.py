"""A large table's verdicts: what is proven, or ranked in memory, comes to what Great Expectations says of all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipeline.quality import table_process
from pipeline.quality.compiler import open_context
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

EXPECTATIONS = [
    expectation("column_values_to_be_unique", "unique", "warn", column="id"),
    expectation("column_values_to_be_unique", "not_unique", "warn", column="floor"),
    expectation("column_values_to_be_unique", "mostly_unique", "warn", column="id", mostly=0.5),
    expectation("column_values_to_not_be_null", "there", "warn", column="id"),
    expectation("column_values_to_not_be_null", "not_there", "warn", column="floor"),
    expectation("compound_columns_to_be_unique", "unique_pair", "warn", column_list=["id", "floor"]),
    expectation("table_row_count_to_equal", "rows", "warn", value=5),
    expectation(
        "column_quantile_values_to_be_between", "median", "warn", column="amount",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[2, 4]]},
    ),
    expectation(
        "column_quantile_values_to_be_between", "too_low", "warn", column="amount",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[4, 9]]},
    ),
]  # fmt: skip


def results(folder: Path, spark: SparkSession) -> list[dict[str, Any]]:
    request = {
        "table": "orders",
        "path": str(folder / "orders"),
        "version": 0,
        "suite": "orders",
        "names": [item["meta"]["name"] for item in EXPECTATIONS],
        "parameters": {},
        "port": 0,
        "secret": "",
    }
    suites = folder / "suites"
    document = table_process._judged(open_context(suites), suites, lambda *_: spark, request)
    found: list[dict[str, Any]] = document["results"]
    for result in found:
        # Which of its data sources Great Expectations has asked.
        result["expectation_config"]["kwargs"].pop("batch_id", None)
    return found


def test_large_table_is_judged_as_great_expectations_judges_all_of_its_rows(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"id": list("abcde"), "floor": ["A", "A", "B", "B", None], "amount": [1.0, 2.0, 3.0, 4.0, 5.0]}
    write_deltalake(tmp_path / "orders", pa.table(rows))
    write_suite(tmp_path / "suites", "orders", *EXPECTATIONS)
    monkeypatch.setattr(table_process, "_ROWS_IN_MEMORY", 2)
    found = results(tmp_path, spark)
    monkeypatch.setattr(table_process, "is_proven", lambda *_: False)
    monkeypatch.setattr(table_process, "_VALUES_IN_MEMORY", 0)
    assert found == results(tmp_path, spark)
    names = [item["meta"]["name"] for item in EXPECTATIONS]
    assert {name: bool(result["success"]) for name, result in zip(names, found, strict=True)} == {
        "unique": True, "not_unique": False, "mostly_unique": True, "there": True, "not_there": False,
        "unique_pair": True, "rows": True, "median": True, "too_low": False,
    }  # fmt: skip
