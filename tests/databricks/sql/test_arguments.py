from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.databricks.sql.arguments import with_arguments
from pipeline.foundation.errors import AuthorError


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("it's a\\b\n", r"'it\'s a\\b\n'"),
        (5, "5"),
        (True, "TRUE"),
        (None, "NULL"),
        (0.5, "CAST('0.5' AS DOUBLE)"),
        (Decimal("1.10"), "1.10BD"),
        (date(2026, 3, 1), "DATE'2026-03-01'"),
        (datetime(2026, 3, 1, 12, 0, tzinfo=UTC), "TIMESTAMP'2026-03-01 12:00:00+00:00'"),
    ],
)
def test_value_becomes_a_literal_of_its_type(value: Any, literal: str) -> None:
    assert with_arguments("(a, :x, b)", {"x": value}) == f"(a, {literal}, b)"


def test_only_parameters_with_a_value_are_replaced() -> None:
    text = "SELECT ':x', a:x, b[:x] -- :x\nFROM IDENTIFIER(:y || ':x') LIMIT :x"
    expected = "SELECT ':x', a:x, b[1] -- :x\nFROM IDENTIFIER(:y || ':x') LIMIT 1"
    assert with_arguments(text, {"x": 1}) == expected


def test_value_without_a_literal_is_refused() -> None:
    with pytest.raises(AuthorError) as caught:
        with_arguments("SELECT :x", {"x": [1]})
    assert caught.value.problem == "The value of the parameter `x` is of the type list."
