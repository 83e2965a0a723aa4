"""Versions of tables judged by the engine that their size calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipeline.quality.suite_file import open_context
from pipeline.quality.tables.judging import PandasLimits, TableJudging
from pipeline.quality.tables.table_verdict import Request
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

EXPECTATIONS = [
    expectation("column_values_to_be_unique", "unique", "warn", column="id"),
    expectation("column_values_to_be_unique", "not_unique", "warn", column="floor"),
    expectation("column_values_to_be_unique", "mostly_unique", "warn", column="id", mostly=0.5),
    expectation("column_values_to_not_be_null", "present", "warn", column="id"),
    expectation("column_values_to_not_be_null", "not_present", "warn", column="floor"),
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
ROWS = pa.table({"id": list("abcde"), "floor": ["A", "A", "B", "B", None], "amount": [1.0, 2.0, 3.0, 4.0, 5.0]})
SPARK_ALONE = PandasLimits(rows=-1)


class SessionAskedForError(Exception):
    """Spark was to judge."""


def no_session() -> SparkSession:
    raise SessionAskedForError


class Judging:
    """A table of orders, and the expectations on it."""

    def __init__(self, folder: Path, rows: pa.Table, *expectations: dict[str, Any]) -> None:
        self.table = folder / "orders"
        self._suites = folder / "suites"
        self._names = [item["meta"]["name"] for item in expectations]
        write_deltalake(self.table, rows)
        write_suite(self._suites, "orders", *expectations)
        self._context = open_context(self._suites)

    def results(self, session: Any, limits: PandasLimits | None = None) -> dict[str, Any]:
        """Return each expectation's success and counts, by its name, in the order they came in."""
        request = Request(1, "orders", str(self.table), 0, "orders", self._names, {}, 0, "")
        found = TableJudging(self._context, self._suites, session, request, limits).results()
        return {item["expectation_config"]["meta"]["name"]: (bool(item["success"]), item["result"]) for item in found}


def test_small_and_large_tables_get_the_same_verdicts_counts_and_examples(spark: SparkSession, tmp_path: Path) -> None:
    judging = Judging(tmp_path, ROWS, *EXPECTATIONS)
    small = judging.results(no_session)
    assert list(small) == [item["meta"]["name"] for item in EXPECTATIONS]
    assert {name: (passed, result.get("unexpected_count")) for name, (passed, result) in small.items()} == {
        "unique": (True, 0), "not_unique": (False, 4), "mostly_unique": (True, 0), "present": (True, 0),
        "not_present": (False, 1), "unique_pair": (True, 0), "rows": (True, None), "median": (True, None),
        "too_low": (False, None),
    }  # fmt: skip
    large = judging.results(lambda: spark, SPARK_ALONE)
    assert list(large) == list(small)
    assert {name: (passed, facts(result)) for name, (passed, result) in large.items()} == {
        name: (passed, facts(result)) for name, (passed, result) in small.items()
    }


def facts(result: dict[str, Any]) -> dict[str, Any]:
    return {
        key: sorted(map(str, value)) if key == "partial_unexpected_list" else value
        for key, value in result.items()
        if key
        in {"element_count", "unexpected_count", "unexpected_percent", "observed_value", "partial_unexpected_list"}
    }


@pytest.mark.parametrize(
    "limits",
    [PandasLimits(rows=4), PandasLimits(file_bytes=10), PandasLimits(judged_bytes=10)],
    ids=["rows", "file_bytes", "judged_bytes"],
)
def test_table_above_a_limit_is_judged_by_spark(tmp_path: Path, limits: PandasLimits) -> None:
    judging = Judging(tmp_path, ROWS, *EXPECTATIONS)
    with pytest.raises(SessionAskedForError):
        judging.results(no_session, limits)


def test_empty_table_is_small(tmp_path: Path) -> None:
    expectations = [
        expectation("column_values_to_be_unique", "unique", "warn", column="id"),
        expectation("table_row_count_to_be_between", "not_empty", "warn", min_value=1),
    ]
    found = Judging(tmp_path, ROWS.slice(0, 0), *expectations).results(no_session)
    assert {name: passed for name, (passed, _) in found.items()} == {"unique": True, "not_empty": False}


def test_expectation_that_pandas_would_judge_otherwise_goes_to_spark_alone(tmp_path: Path, spark: SparkSession) -> None:
    expectations = [
        expectation("column_values_to_match_regex", "letter", "warn", column="id", regex="^[a-e]$"),
        expectation("table_row_count_to_equal", "rows", "warn", value=5),
    ]
    judging = Judging(tmp_path, ROWS, *expectations)
    with pytest.raises(SessionAskedForError):
        judging.results(no_session)
    found = judging.results(lambda: spark)
    assert {name: passed for name, (passed, _) in found.items()} == {"letter": True, "rows": True}
