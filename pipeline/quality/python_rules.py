"""Row rules that no SQL function can judge, as Python functions with Great Expectations' own meaning."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.foundation.sql_names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession


def is_json(value: Any) -> bool:
    """Return whether a value is text that Python reads as JSON."""
    try:
        json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def has_time_format(value: str | None, time_format: str) -> bool:
    """Return whether Python reads a text as a time in a `strftime` format."""
    try:
        datetime.strptime(value or "", time_format)  # noqa: DTZ007 - only whether it can be read counts
    except ValueError:
        return False
    return True


# The name in SQL begins with a prefix that no function of Spark or of an author has.
_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "expectation_is_json": is_json,
    "expectation_has_time_format": has_time_format,
}
# What Great Expectations computes with Python functions, which the process that judges whole tables does not run.
METRICS = ("column_values.json_parseable", "column_values.match_json_schema", "column_values.match_strftime_format")
# Great Expectations reads text alone by these metrics.
OF_TEXT = ("column_values.match_strftime_format",)


def violated_sql(metric: str, arguments: Mapping[str, Any]) -> str | None:
    """Return the condition of rows that violate a rule, or None if the metric is not one of these.

    Args:
        metric: Great Expectations' name of the rule.
        arguments: The expectation's.
    """
    column = quoted(arguments.get("column", ""))
    if metric == "column_values.json_parseable":
        return f"{column} IS NOT NULL AND NOT expectation_is_json({column})"
    if metric == "column_values.match_strftime_format":
        time_format = arguments["strftime_format"].replace("\\", "\\\\").replace("'", "\\'")
        return f"{column} IS NOT NULL AND NOT expectation_has_time_format({column}, '{time_format}')"
    return None


def register(session: SparkSession, condition: str) -> None:
    """Make those functions known to a session that a condition needs."""
    for name, function in _FUNCTIONS.items():
        if name in condition:
            session.udf.register(name, function, "boolean")
