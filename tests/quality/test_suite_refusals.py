"""What a suite may say, and what a dry run refuses rather than reads over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.quality.judge import FAILED, judge
from pipeline.quality.suites import CACHE_VARIABLE, Suites
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


ORDERS = [("a", 1.0, None), ("b", 20.0, None), ("c", None, None), (None, 30.0, None)]


def limited(**more: Any) -> dict[str, Any]:
    return expectation("column_values_to_be_between", "limited", "drop", column="amount", max_value=10, **more)


@pytest.fixture
def orders(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFrame:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return spark.createDataFrame(ORDERS, "id STRING, amount DOUBLE, at TIMESTAMP")


@pytest.mark.parametrize(
    ("broken", "problem", "remedy"),
    [
        pytest.param(limited(mostly=0.9), "`mostly` is a share of the table's rows", "`fail_above`", id="mostly"),
        pytest.param(
            expectation("column_values_to_be_between", "limited", "drop", column="at", min_value={"$PARAMETER": "ago_24h"}), "its `$PARAMETER` changes", "`warn` or `fail`", id="parameter"
        ),
        pytest.param(
            expectation("column_values_to_be_unique", "limited", "drop", column="id"), "compares rows with one another",
            "`warn` or `fail`", id="unique",
        ),
        pytest.param(
            expectation("column_value_z_scores_to_be_less_than", "limited", "drop", column="amount", threshold=1, double_sided=True),
            "compares rows with one another", "`warn` or `fail`", id="statistics",
        ),
        pytest.param(
            expectation("column_values_to_match_json_schema", "limited", "drop", column="id", json_schema={}),
            "uses a Python function", "compute a column", id="python_function",
        ),
        pytest.param(
            limited(parse_strings_as_datetimes=True), "there is no argument `parse_strings_as_datetimes`", "Known are",
            id="argument_of_earlier_versions",
        ),
        pytest.param(limited(strict_mx=True), "there is no argument `strict_mx`", "`strict_max`", id="misspelt"),
        pytest.param(limited(batch_id="monday"), "`batch_id` cannot be honoured", "leave `batch_id` out", id="batch"),
        pytest.param(
            limited(windows=[{"constraint_fn": "mean", "parameter_name": "p", "range": 5, "offset": {"positive": 1, "negative": 1}}]),
            "`windows` cannot be honoured", "write the bounds themselves", id="windows",
        ),
        pytest.param(limited(min_value=11), "min_value cannot be greater", "Correct its arguments", id="contradiction"),
        pytest.param(limited(row_condition="amonut > 1"), "the column `amonut`", "Correct the name", id="condition_column"),
        pytest.param(limited(row_condition="amount >"), "cannot be judged: ", "Correct its arguments", id="condition_syntax"),
        pytest.param({**limited(), "mostly": 0.9}, "'mostly': ['Unknown field.']", "Correct the file", id="misplaced"),
        pytest.param(
            expectation("column_values_to_match_strftime_format", "limited", "drop", column="id", strftime_format="%D"),
            "Unable to use provided strftime_format", "Correct the file", id="strftime_format",
        ),
        pytest.param(
            expectation("column_values_to_match_strftime_format", "limited", "drop", column="amount", strftime_format="%Y"),
            "`amount` is DOUBLE", "Give it a STRING column", id="strftime_of_a_number",
        ),
    ],
)  # fmt: skip
def test_suite_that_would_be_read_over_is_refused_with_its_file_and_a_remedy(
    tmp_path: Path, orders: DataFrame, broken: dict[str, Any], problem: str, remedy: str
) -> None:
    file = write_suite(tmp_path, "orders", broken)
    with pytest.raises(AuthorError) as raised:
        Suites(tmp_path).compiled("orders", orders)
    assert problem in raised.value.problem
    assert str(file) in raised.value.problem
    assert remedy in raised.value.remedy


def test_name_of_a_row_rule_and_of_a_table_expectation_is_refused(tmp_path: Path, orders: DataFrame) -> None:
    unnamed = [{**item, "meta": {}} for item in (limited(), limited(mostly=0.9))]
    file = write_suite(tmp_path, "orders", *unnamed)
    with pytest.raises(AuthorError, match="another expectation of that name is judged row by row") as raised:
        Suites(tmp_path).compiled("orders", orders)
    assert f"{file}:13" in raised.value.problem


def test_row_condition_and_missing_values_leave_rows_out_of_the_judgement(tmp_path: Path, orders: DataFrame) -> None:
    write_suite(tmp_path, "orders", limited(row_condition="id > 'a'"))
    suite = Suites(tmp_path).compiled("orders", orders)
    assert [row["amount"] for row in judge(orders, suite).collect() if row[FAILED]] == [20.0]


def test_row_condition_on_a_later_column_waits_for_it(tmp_path: Path, orders: DataFrame, spark: SparkSession) -> None:
    write_suite(tmp_path, "orders", limited(row_condition="floor = 'A'", when_present=True))
    assert judge(orders, Suites(tmp_path).compiled("orders", orders)).where("size(__failed) > 0").count() == 0
    grown = spark.createDataFrame([("a", 20.0, "A"), ("b", 20.0, "B")], "id STRING, amount DOUBLE, floor STRING")
    suite = Suites(tmp_path).compiled("orders", grown)
    assert [row["id"] for row in judge(grown, suite).collect() if row[FAILED]] == ["a"]
