"""Spark's writing methods, which the code of a pipeline's source may not use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pyspark.sql.classic.dataframe import DataFrame

from pipeline.databricks.running import author_line, running
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMENT = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
_FIRST_WORD = re.compile(r"[\s(]*(\w+)")
# What a text begins with that asks and changes nothing.
_ASKS = {"SELECT", "WITH", "FROM", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"}
_REMEDY = "Take it out, or run it outside the pipeline: its tables are written by declaring them."


def refuse_writes() -> None:
    """Wrap Spark's writing methods, once for the process; outside the code of a pipeline they do what they did."""
    for name in ("write", "writeStream"):
        _wrap_property(name)
    original = DataFrame.writeTo

    def write_to(self: DataFrame, *arguments: Any, **named: Any) -> Any:
        _check("writeTo")
        return original(self, *arguments, **named)

    DataFrame.writeTo = write_to  # type: ignore[method-assign]


def check_asks(text: str) -> None:
    """Check that a text for Spark SQL is a query.

    Raises:
        AuthorError: It would change something.
    """
    while match := _COMMENT.match(text):
        text = text[match.end() :]
    word = _FIRST_WORD.match(text)
    if word is not None and word[1].upper() not in _ASKS:
        shown = " ".join(text.split()[:4])
        with author_line():
            raise AuthorError(f"`spark.sql` is given `{shown} …`, which is not a query.", _REMEDY)


def _wrap_property(name: str) -> None:
    original: Callable[[DataFrame], Any] = vars(DataFrame)[name].fget

    def get(self: DataFrame) -> Any:
        _check(name)
        return original(self)

    setattr(DataFrame, name, property(get, doc=original.__doc__))


def _check(name: str) -> None:
    if running() is not None:
        with author_line():
            raise AuthorError(f"`{name}` in a pipeline's source would write beside the pipeline.", _REMEDY)
