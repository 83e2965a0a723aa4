"""The values of a query's parameters, written into it as literals."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.databricks.sql.json_paths import is_path
from pipeline.databricks.sql.tokens import tokens_of
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_arguments(text: str, arguments: Mapping[str, Any]) -> str:
    """Return a query with the values of `:name` written in; a name without a value stays.

    Delta's parser does not hand arguments on to Spark's, so `spark.sql` cannot take them.

    Raises:
        AuthorError: A value has a type that has no literal.
    """
    tokens = tokens_of(text, "")
    for at in range(len(tokens) - 2, -1, -1):
        mark, name = tokens[at], tokens[at + 1]
        is_parameter = mark.word == ":" and name.end - mark.end == len(name.text) and name.text in arguments
        if is_parameter and not is_path(tokens, at):
            text = text[: mark.start] + _literal(name.text, arguments[name.text]) + text[name.end :]
    return text


def _literal(name: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).upper()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{escaped}'"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, int | Decimal):
        return f"{value}BD" if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP'{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    problem = f"The value of the parameter `{name}` is of the type {type(value).__name__}."
    raise AuthorError(problem, "Give a text, a number, a date or a time, and cast it in the query.")
