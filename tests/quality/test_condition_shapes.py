"""A condition in SQL becomes expectations that mean exactly the same, or a query for the rows that violate it."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructType, TimestampType

from pipeline.quality.condition_shapes import expected_of

COLUMNS = (
    StructType()
    .add("id", LongType())
    .add("amount", DoubleType())
    .add("name", StringType())
    .add("is_open", BooleanType())
    .add("at", TimestampType())
)
BETWEEN, IN, NOT_IN = (
    f"expect_column_values_to_{name}" for name in ("be_between", "be_in_set", "not_be_in_set")
)  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("id IS NOT NULL", [("expect_column_values_to_not_be_null", {"column": "id"})]),
        ("(name is null)", [("expect_column_values_to_be_null", {"column": "name"})]),
        ("amount > 0", [(BETWEEN, {"column": "amount", "min_value": 0, "strict_min": True})]),
        ("100.5 >= amount", [(BETWEEN, {"column": "amount", "max_value": 100.5})]),
        ("(amount < CAST(100 AS DOUBLE))", [(BETWEEN, {"column": "amount", "max_value": 100, "strict_max": True})]),
        ("id BETWEEN -1 AND 5", [(BETWEEN, {"column": "id", "min_value": -1, "max_value": 5})]),
        ("Name IN ('a', 'b c')", [(IN, {"column": "name", "value_set": ["a", "b c"]})]),
        ("id NOT IN (1)", [(NOT_IN, {"column": "id", "value_set": [1]})]),
        ("`name` = 'a'", [(IN, {"column": "name", "value_set": ["a"]})]),
        ("is_open == TRUE", [(IN, {"column": "is_open", "value_set": [True]})]),
        (
            "id IS NOT NULL AND (amount between 1 AND 2 and name != 'x')",
            [
                ("expect_column_values_to_not_be_null", {"column": "id"}),
                (BETWEEN, {"column": "amount", "min_value": 1, "max_value": 2}),
                (NOT_IN, {"column": "name", "value_set": ["x"]}),
            ],
        ),
    ],
)
def test_condition_of_a_simple_shape_becomes_expectations_of_its_own(
    condition: str, expected: list[tuple[str, dict[str, Any]]]
) -> None:
    assert [(one.type, dict(one.arguments)) for one in expected_of(condition, COLUMNS)] == expected


@pytest.mark.parametrize(
    "condition",
    [
        "CAST(1.7 AS INT) < id", "id > 1 OR name IS NULL", "name > 'a'", "name = 5", "id = '5'", "amount > id", "length(name) > 3",
        "at > '2026-01-01'", "id IS NOT NULL AND rand() > 0.5", "id IN (1, NULL)", "name LIKE 'a%'", "NOT is_open",
        "id IN (SELECT 1)", "nothing > 1", "id = 1 = TRUE", "is_open = 1", "name = 'it''s'", "TRUE", "",
    ],
)  # fmt: skip
def test_condition_of_any_other_shape_becomes_a_query_for_its_violations(condition: str) -> None:
    (found,) = expected_of(condition, COLUMNS)
    query = " ".join(("SELECT * FROM {batch} WHERE", f"({condition})", "IS FALSE"))
    assert (found.type, dict(found.arguments)) == ("unexpected_rows_expectation", {"unexpected_rows_query": query})


def test_braces_of_a_condition_are_kept_from_great_expectations() -> None:
    (found,) = expected_of("name RLIKE 'a{2}'", COLUMNS)
    query = dict(found.arguments)["unexpected_rows_query"]
    assert query == "SELECT * FROM {batch} WHERE (name RLIKE 'a{{2}}') IS FALSE"
