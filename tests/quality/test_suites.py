from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.quality import suites as suites_module
from pipeline.quality.judge import FAILED, WARNED, judge
from pipeline.quality.rules import TableExpectation
from pipeline.quality.suite_file import open_context
from pipeline.quality.suites import CACHE_VARIABLE, Suites, check_declared
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

NOT_NULL = expectation("column_values_to_not_be_null", "has_amount", "drop", column="amount")
POSITIVE = expectation("column_values_to_be_between", "positive", "warn", column="amount", min_value=0)
LATER = expectation(
    "column_values_to_be_between", "fair_discount", "warn", when_present=True, column="discount", max_value=50
)
UNIQUE = expectation("column_values_to_be_unique", "unique_id", "warn", column="id")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def orders(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([("a", 1.0), ("b", -1.0), ("c", None)], "id STRING, amount DOUBLE")


def no_compiler(*_: Any) -> Any:
    pytest.fail("the suite was compiled again")


def verdicts(frame: DataFrame, suite: Any) -> list[tuple[str, list[str], list[str]]]:
    return [(row["id"], row[FAILED], row[WARNED]) for row in judge(frame, suite).orderBy("id").collect()]


@pytest.mark.usefixtures("cache")
def test_compiled_suite_judges_rows_and_names_what_needs_the_whole_table(tmp_path: Path, orders: DataFrame) -> None:
    write_suite(tmp_path, "orders", NOT_NULL, POSITIVE, UNIQUE)
    suite = Suites(tmp_path).compiled("orders", orders)
    assert [(rule.name, rule.action, rule.why) for rule in suite.rules] == [
        ("has_amount", "drop", "why has_amount"),
        ("positive", "warn", "why positive"),
    ]
    assert suite.table_expectations == (TableExpectation("unique_id", "warn", "why unique_id"),)
    assert verdicts(orders, suite) == [("a", [], []), ("b", [], ["positive"]), ("c", ["has_amount"], [])]


@pytest.mark.usefixtures("cache")
def test_suite_edited_through_great_expectations_is_read_unchanged(tmp_path: Path, orders: DataFrame) -> None:
    context = open_context(tmp_path)
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween

    suite = context.suites.add(ExpectationSuite(name="orders", expectations=[NOT_NULL]))
    suite.add_expectation(
        ExpectColumnValuesToBeBetween(
            column="amount", min_value=0, meta={"name": "positive", "action": "warn", "why": "as the shop wants it"}
        )
    )
    compiled = Suites(tmp_path).compiled("orders", orders)
    assert [(rule.name, rule.action, rule.why) for rule in compiled.rules] == [
        ("has_amount", "drop", "why has_amount"),
        ("positive", "warn", "as the shop wants it"),
    ]
    assert verdicts(orders, compiled) == [("a", [], []), ("b", [], ["positive"]), ("c", ["has_amount"], [])]


def test_suite_once_compiled_comes_from_the_cache_until_its_file_changes(
    tmp_path: Path, cache: Path, orders: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_suite(tmp_path, "orders", NOT_NULL)
    first = Suites(tmp_path).compiled("orders", orders)
    with monkeypatch.context() as patched:
        patched.setattr(suites_module, "compile_suite", no_compiler)
        assert Suites(tmp_path).compiled("orders", orders) == first
    write_suite(tmp_path, "orders", POSITIVE)
    assert [rule.name for rule in Suites(tmp_path).compiled("orders", orders).rules] == ["positive"]
    assert len(list((cache / "expectations").iterdir())) == 2


@pytest.mark.usefixtures("cache")
def test_suite_from_the_cache_does_not_import_great_expectations(tmp_path: Path, orders: DataFrame) -> None:
    write_suite(tmp_path, "orders", NOT_NULL, POSITIVE)
    Suites(tmp_path).compiled("orders", orders)
    program = """
import sys, types
from pathlib import Path
from pipeline.quality.suites import Suites
session = types.SimpleNamespace(conf={"spark.sql.session.timeZone": "UTC"})
frame = types.SimpleNamespace(columns=["id", "amount"], sparkSession=session)
suite = Suites(Path(sys.argv[1])).compiled("orders", frame)
assert [rule.name for rule in suite.rules] == ["has_amount", "positive"]
assert "great_expectations" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


@pytest.mark.parametrize("content", ["", "{", '{"name": "orders"}', '{"name": 1, "rules": [{}]}', "[]"])
def test_damaged_cache_is_compiled_again(tmp_path: Path, cache: Path, orders: DataFrame, content: str) -> None:
    write_suite(tmp_path, "orders", NOT_NULL)
    first = Suites(tmp_path).compiled("orders", orders)
    for file in (cache / "expectations").iterdir():
        file.write_text(content, encoding="utf-8")
    assert Suites(tmp_path).compiled("orders", orders) == first


def test_cache_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, cache: Path, orders: DataFrame
) -> None:
    cache.write_text("a file in the way")
    write_suite(tmp_path, "orders", NOT_NULL)
    assert [rule.name for rule in Suites(tmp_path).compiled("orders", orders).rules] == ["has_amount"]


@pytest.mark.usefixtures("cache")
def test_rule_for_a_later_column_waits_for_it_and_judges_once_it_exists(
    tmp_path: Path, orders: DataFrame, spark: SparkSession
) -> None:
    write_suite(tmp_path, "orders", NOT_NULL, LATER)
    suite = Suites(tmp_path).compiled("orders", orders)
    assert [rule.name for rule in suite.rules] == ["has_amount", "fair_discount"]
    assert verdicts(orders, suite) == [("a", [], []), ("b", [], []), ("c", ["has_amount"], [])]
    rows = [("a", 1.0, 10.0), ("b", 1.0, 60.0), ("c", 1.0, None)]
    grown = spark.createDataFrame(rows, "id STRING, amount DOUBLE, discount DOUBLE")
    suite = Suites(tmp_path).compiled("orders", grown)
    assert verdicts(grown, suite) == [("a", [], []), ("b", [], ["fair_discount"]), ("c", [], [])]
    assert verdicts(orders, Suites(tmp_path).compiled("orders", orders))[0] == ("a", [], [])


@pytest.mark.usefixtures("cache")
def test_rule_on_an_unknown_column_is_refused_before_and_after_it_is_cached(
    tmp_path: Path, orders: DataFrame, spark: SparkSession
) -> None:
    file = write_suite(tmp_path, "orders", NOT_NULL)
    renamed = spark.createDataFrame([], "id STRING, amonut DOUBLE")
    for _ in range(2):
        with pytest.raises(AuthorError, match="names the column `amount`; the rows have id, amonut") as raised:
            Suites(tmp_path).compiled("orders", renamed)
        assert str(file) in raised.value.problem
        Suites(tmp_path).compiled("orders", orders)


@pytest.mark.usefixtures("cache")
def test_missing_suite_names_the_nearest_one(tmp_path: Path, orders: DataFrame) -> None:
    write_suite(tmp_path, "orders", NOT_NULL)
    with pytest.raises(UnknownNameError, match=r"there is no suite `order`.*Did you mean `orders`"):
        Suites(tmp_path).compiled("order", orders)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param(
            {**NOT_NULL, "type": "expect_column_to_shine"}, "no expectation `expect_column_to_shine`", id="unknown_type"
        ),
        pytest.param({**NOT_NULL, "kwargs": {}}, "cannot load the suite", id="no_column"),
        pytest.param({**NOT_NULL, "meta": {"name": "x", "action": "dorp"}}, "Did you mean `drop`", id="action"),
        pytest.param({**NOT_NULL, "meta": {"fail_above": "7 apples"}}, "expected a share such as 5%", id="share"),
    ],
)
def test_suite_with_unknown_content_is_refused_with_its_file(
    tmp_path: Path, orders: DataFrame, broken: dict[str, Any], said: str
) -> None:
    file = write_suite(tmp_path, "orders", broken)
    with pytest.raises(AuthorError, match=said) as raised:
        Suites(tmp_path).compiled("orders", orders)
    assert str(file) in str(raised.value)


@pytest.mark.usefixtures("cache")
def test_file_that_is_not_a_suite_is_refused(tmp_path: Path, orders: DataFrame) -> None:
    (tmp_path / "orders.json").write_text("{not json", encoding="utf-8")
    with pytest.raises(AuthorError, match="cannot load the suite"):
        Suites(tmp_path).compiled("orders", orders)


@pytest.mark.usefixtures("cache")
def test_two_expectations_of_one_name_are_one_rule_and_need_one_action(tmp_path: Path, orders: DataFrame) -> None:
    write_suite(tmp_path, "orders", NOT_NULL, {**POSITIVE, "meta": NOT_NULL["meta"]})
    (rule,) = Suites(tmp_path).compiled("orders", orders).rules
    assert len(rule.conditions) == 2
    write_suite(tmp_path, "orders", NOT_NULL, {**POSITIVE, "meta": {"name": "has_amount", "action": "warn"}})
    with pytest.raises(AuthorError, match="`has_amount` is both `drop` and `warn`"):
        Suites(tmp_path).compiled("orders", orders)


def test_suite_of_no_table_and_table_without_its_suite_are_refused(tmp_path: Path) -> None:
    write_suite(tmp_path, "orders", NOT_NULL)
    suites = Suites(tmp_path)
    check_declared(suites, {"clean": "orders"}, ["clean"])
    check_declared(suites, {}, ["orders"])
    with pytest.raises(AuthorError, match=r"orders\.json is not the suite of any declared table"):
        check_declared(suites, {}, ["clean"])
    with pytest.raises(UnknownNameError, match=r"table `clean`.*there is no suite `order`"):
        check_declared(suites, {"clean": "order"}, ["clean", "orders"])
