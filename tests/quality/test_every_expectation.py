"""Every expectation of Great Expectations with each of its arguments: honoured, or refused by name; none is read over."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.foundation.errors import AuthorError
from pipeline.quality.judge import WARNED, judge
from pipeline.quality.suite_file import load_suite, open_context
from pipeline.quality.suites import CACHE_VARIABLE, Suites
from pipeline.quality.tables.table_verdict import exception_in
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    # Of row conditions in the form of earlier versions.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SCHEMA = "text STRING, word STRING, amount DOUBLE, number BIGINT, payload STRING, day STRING, at TIMESTAMP"
ROWS = [
    ("a", "b", 1.0, 1, "{}", "2020-01-01", "2020-01-01 00:00:00"),
    ("a1", "ab", -1.0, 2, "{x", "2020-13-01", "2021-01-01 00:00:00"),
    (None, None, None, None, None, None, None),
    ("b", None, 50.0, None, "[1]", "it's 2021", "2022-01-01 00:00:00"),
    ("abc", "abc", None, 4, "NaN", "", None),
    ("it's", "b", 100.0, 100, "", "2020-01-01 ", "2020-01-01 00:00:00"),
    ("a\\d", "a", 2.0, 3, "1", "2021-1-1", "2019-12-31 23:59:59"),
]  # fmt: skip

AMOUNT = {"column": "amount"}
TEXT = {"column": "text"}
PAIR = {"column_A": "amount", "column_B": "number"}
LIST = {"column_list": ["amount", "number"]}
BETWEEN: list[dict[str, Any]] = [
    {"min_value": 1, "max_value": 50},
    {"min_value": 1, "max_value": 50, "strict_min": True, "strict_max": True},
]
PAIR_KINDS = ["both_values_are_missing", "either_value_is_missing", "neither"]
LIST_KINDS = ["all_values_are_missing", "any_value_is_missing", "never"]

# Judged row by row: for each expectation, arguments that together are all it has.
OF_ROWS: dict[str, list[dict[str, Any]]] = {
    "column_pair_values_a_to_be_greater_than_b": [
        {**PAIR, "or_equal": is_enough, "ignore_row_if": kind} for is_enough in (True, False) for kind in PAIR_KINDS
    ] + [PAIR],
    "column_pair_values_to_be_equal": [PAIR, *({**PAIR, "ignore_row_if": kind} for kind in PAIR_KINDS)],
    "column_pair_values_to_be_in_set": [
        {**PAIR, "value_pairs_set": [[1.0, 1], [2.0, 3]], "ignore_row_if": kind} for kind in PAIR_KINDS
    ],
    "column_value_lengths_to_be_between": [
        {**TEXT, "min_value": 1, "max_value": 3},
        {**TEXT, "min_value": 1, "max_value": 3, "strict_min": True, "strict_max": True},
    ],
    "column_value_lengths_to_equal": [{**TEXT, "value": 1}],
    "column_values_to_be_between": [
        *({**AMOUNT, **limits} for limits in BETWEEN),
        {**AMOUNT, "max_value": 50, "strict_max": True},
        {"column": "at", "min_value": "2020-01-01", "strict_min": True},
    ],
    "column_values_to_be_in_set": [{**TEXT, "value_set": ["a", "it's", "a\\d"]}],
    "column_values_to_be_json_parseable": [{"column": "payload"}, {"column": "amount"}],
    "column_values_to_be_null": [TEXT],
    "column_values_to_match_regex": [{**TEXT, "regex": "^a\\d?$"}, {**TEXT, "regex": "'"}],
    "column_values_to_match_regex_list": [
        {**TEXT, "regex_list": ["^a", "\\\\"], "match_on": which} for which in ("any", "all")
    ],
    "column_values_to_match_strftime_format": [
        {"column": "day", "strftime_format": "%Y-%m-%d"}, {"column": "day", "strftime_format": "it's %Y"},
    ],
    "column_values_to_not_be_in_set": [{**TEXT, "value_set": ["a", "b"]}],
    "column_values_to_not_be_null": [TEXT],
    "column_values_to_not_match_regex": [{**TEXT, "regex": "^a"}],
    "column_values_to_not_match_regex_list": [{**TEXT, "regex_list": ["^a", "b"]}],
    "multicolumn_sum_to_equal": [
        {**LIST, "sum_total": 2}, *({**LIST, "sum_total": 2, "ignore_row_if": kind} for kind in LIST_KINDS),
    ],
    "multicolumn_values_to_be_equal": [LIST, *({**LIST, "ignore_row_if": kind} for kind in LIST_KINDS)],
    "select_column_values_to_be_unique_within_record": [
        LIST, *({**LIST, "ignore_row_if": kind} for kind in LIST_KINDS),
    ],
}  # fmt: skip

OF_PYTHON = {"column_values_to_be_json_parseable", "column_values_to_match_strftime_format"}

# Judged on the whole table by Great Expectations itself, which then honours every argument.
OF_TABLES: dict[str, dict[str, Any]] = {
    **{f"column_{kind}_to_be_between": {**AMOUNT, **BETWEEN[1]} for kind in ("max", "mean", "median", "min", "stdev", "sum")},
    **{
        f"column_{kind}_to_be_between": {**AMOUNT, "min_value": 0, "max_value": 1, "strict_min": True, "strict_max": True}
        for kind in ("proportion_of_non_null_values", "proportion_of_unique_values", "unique_value_count")
    },
    **{f"column_distinct_values_to_{kind}_set": {**TEXT, "value_set": ["a"]} for kind in ("be_in", "contain", "equal")},
    "column_kl_divergence_to_be_less_than": {
        **AMOUNT, "partition_object": {"bins": [0, 10, 200], "weights": [0.5, 0.5]}, "threshold": 0.5,
        "internal_weight_holdout": 0.1, "tail_weight_holdout": 0.1, "bucketize_data": True, "min_value": 0, "max_value": 1,
    },
    "column_most_common_value_to_be_in_set": {**TEXT, "value_set": ["a"], "ties_okay": True},
    "column_quantile_values_to_be_between": {
        **AMOUNT, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 10]]}, "allow_relative_error": False,
    },
    "column_to_exist": {**AMOUNT, "column_index": 2},
    "column_type_to_be": {**AMOUNT, "type_": "DoubleType"},
    "column_value_z_scores_to_be_less_than": {**AMOUNT, "threshold": 1, "double_sided": True},
    "column_values_to_be_decreasing": {**AMOUNT, "strictly": True},
    "column_values_to_be_in_type_list": {**TEXT, "type_list": ["StringType"]},
    "column_values_to_be_increasing": {**AMOUNT, "strictly": True},
    "column_values_to_be_of_type": {**TEXT, "type_": "StringType"},
    "column_values_to_be_unique": TEXT,
    "column_values_to_not_be_outliers": {**AMOUNT, "method": "iqr", "multiplier": 1.5},
    "compound_columns_to_be_unique": {**LIST, "ignore_row_if": "never"},
    "table_column_count_to_be_between": {"min_value": 1, "max_value": 9},
    "table_column_count_to_equal": {"value": 7},
    "table_columns_to_match_ordered_list": {"column_list": ["text"]},
    "table_columns_to_match_set": {"column_set": ["text"], "exact_match": False},
    "table_row_count_to_be_between": {"min_value": 1, "max_value": 9, "strict_min": True, "strict_max": True},
    "table_row_count_to_equal": {"value": 7},
}  # fmt: skip

# Refused at dry run, with a part of what the message says to write instead.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "column_values_to_match_json_schema": (
        {"column": "payload", "json_schema": {"type": "object"}}, "compute a column in the query",
    ),
    "column_values_to_be_dateutil_parseable": ({"column": "day"}, "expect_column_values_to_match_strftime_format"),
    **{
        f"column_values_to_{kind}_like_pattern{many}": (
            {**TEXT, f"like_pattern{many}": ["a%"] if many else "a%", "escape": "!", **more}, "expect_column_values_to_match_regex",
        )
        for kind in ("match", "not_match")
        for many, more in (("", {}), ("_list", {"match_on": "any"} if kind == "match" else {}))
    },
    "query_results_to_match_comparison": (
        {"base_query": "SELECT 1", "comparison_data_source_name": "shop", "comparison_query": "SELECT 1", "mostly": 1},
        "the query of a materialized view",
    ),
    "table_row_count_to_equal_other_table": ({"other_table_name": "orders"}, "the query of a materialized view"),
}  # fmt: skip

# What Great Expectations keeps or prints beside a verdict; none of it changes one.
BESIDE = {
    "id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity",
    "library_metadata",
}  # fmt: skip
# Arguments of many expectations, each with a test of its own below.
SHARED = {"mostly", "row_condition", "condition_parser", "batch_id", "windows"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    frame = spark.createDataFrame(ROWS, SCHEMA.replace("TIMESTAMP", "STRING"))
    return frame.withColumn("at", F.col("at").cast("timestamp"))


def named(kind: str, arguments: dict[str, Any], action: str = "warn") -> dict[str, Any]:
    return expectation(kind, f"{kind} {arguments}", action, **arguments)


def of_rows() -> list[dict[str, Any]]:
    """Return each row expectation as it is, and with a row condition in each of Great Expectations' languages."""
    conditions: list[dict[str, Any]] = [
        {},
        {"row_condition": "number > 1 OR number IS NULL", "condition_parser": "spark"},
        {"row_condition": 'col("number") > 1', "condition_parser": "great_expectations"},
        {"row_condition": {"type": "comparison", "column": {"name": "number"}, "operator": "<", "parameter": 4}},
    ]
    return [
        named(kind, {**arguments, **condition})
        for kind, several in OF_ROWS.items()
        for arguments in several
        for condition in conditions
    ]


def violations_by_great_expectations(folder: Path, rows: DataFrame) -> dict[str, int]:
    context = open_context(folder)
    suite = load_suite(context, "orders", folder / "orders.json")
    batches = context.data_sources.add_spark("rows", persist=False).add_dataframe_asset("rows")
    batch = batches.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": rows})
    results = batch.validate(suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0}).results
    problems = {result.expectation_config.meta["name"]: exception_in(result.to_json_dict()) for result in results}
    # Great Expectations 1.24 counts more rows than a row condition leaves, and then refuses its own result.
    refused = {name for name, problem in problems.items() if problem}
    assert all("row_condition" in name and "Invalid result values" in str(problems[name]) for name in refused)
    counted = {one.expectation_config.meta["name"]: one.result.get("unexpected_count") for one in results}
    # Without a single value to judge, it counts nothing.
    return {name: count or 0 for name, count in counted.items() if name not in refused}


def test_row_rules_count_the_rows_that_great_expectations_counts(tmp_path: Path, rows: DataFrame) -> None:
    write_suite(tmp_path, "orders", *of_rows())
    suite = Suites(tmp_path).compiled("orders", rows)
    assert [rule.name for rule in suite.rules] == [item["meta"]["name"] for item in of_rows()]
    assert suite.table_expectations == ()
    judged = judge(rows, suite).select(F.explode(WARNED).alias("rule")).groupBy("rule").count().collect()
    counted = dict.fromkeys(suite.named("warn"), 0) | {row["rule"]: row["count"] for row in judged}
    expected = violations_by_great_expectations(tmp_path, rows)
    assert {name: counted[name] for name in expected} == expected
    assert len(expected) > 0.9 * len(counted)
    # Each rule is broken and kept by some row, so that none of these numbers is an accident.
    assert all(0 < counted[item["meta"]["name"]] < len(ROWS) for item in of_rows()[::4])


def test_expectations_that_need_all_rows_are_judged_on_the_whole_table(tmp_path: Path, rows: DataFrame) -> None:
    items = [named(kind, arguments) for kind, arguments in OF_TABLES.items()]
    query = {"unexpected_rows_query": "SELECT * FROM {batch} WHERE amount > 10"}
    items.append({"type": "unexpected_rows_expectation", "kwargs": query, "meta": {"name": "query"}})
    write_suite(tmp_path, "orders", *items)
    suite = Suites(tmp_path).compiled("orders", rows)
    assert suite.rules == ()
    assert [item.name for item in suite.table_expectations] == [item["meta"]["name"] for item in items]


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("by_row", [True, False])
def test_expectation_that_spark_cannot_judge_is_refused_with_what_to_write_instead(
    tmp_path: Path, rows: DataFrame, kind: str, by_row: bool
) -> None:
    arguments, instead = REFUSED[kind]
    file = write_suite(tmp_path, "orders", named(kind, arguments))
    with pytest.raises(AuthorError, match=kind) as raised:
        Suites(tmp_path).compiled("orders", rows, by_row=by_row)
    assert str(file) in raised.value.problem
    assert instead in raised.value.remedy


def test_every_expectation_and_every_argument_has_its_place_in_these_tests() -> None:
    from great_expectations.expectations import core
    from great_expectations.expectations.expectation import Expectation

    given = {
        **{kind: [set(arguments) for arguments in several] for kind, several in OF_ROWS.items()},
        **{kind: [set(arguments)] for kind, arguments in OF_TABLES.items()},
        **{kind: [set(arguments)] for kind, (arguments, _) in REFUSED.items()},
    }
    classes = [item for _, item in inspect.getmembers(core, inspect.isclass) if issubclass(item, Expectation)]
    exist = {
        f"{item.expectation_type}".removeprefix("expect_"): set(item.__fields__)
        for item in classes
        if item.expectation_type
    }
    assert exist.pop("unexpected_rows_expectation") - BESIDE - SHARED == {"unexpected_rows_query"}
    assert {kind: set().union(*several) - SHARED for kind, several in given.items()} == {
        kind: fields - BESIDE - SHARED for kind, fields in exist.items()
    }


@pytest.mark.parametrize("kind", sorted({*OF_ROWS} - OF_PYTHON))
def test_mostly_of_any_row_rule_makes_it_one_of_the_whole_table(tmp_path: Path, rows: DataFrame, kind: str) -> None:
    arguments = {**OF_ROWS[kind][0], "mostly": 0.9}
    write_suite(tmp_path, "orders", named(kind, arguments, "fail"))
    suite = Suites(tmp_path).compiled("orders", rows)
    assert (suite.rules, [item.action for item in suite.table_expectations]) == ((), ["fail"])


@pytest.mark.parametrize("kind", sorted(OF_PYTHON))
@pytest.mark.parametrize(("more", "by_row"), [({"mostly": 0.9}, True), ({}, False)], ids=["mostly", "view"])
def test_rule_that_python_computes_is_refused_for_a_whole_table(
    tmp_path: Path, rows: DataFrame, kind: str, more: dict[str, Any], by_row: bool
) -> None:
    write_suite(tmp_path, "orders", named(kind, {**OF_ROWS[kind][0], **more}))
    with pytest.raises(AuthorError, match=rf"{kind}\) cannot be judged on the whole table"):
        Suites(tmp_path).compiled("orders", rows, by_row=by_row)
