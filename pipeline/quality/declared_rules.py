"""The rules that are part of a declaration, as a compiled suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException

from pipeline.foundation.errors import AuthorError
from pipeline.quality.rules import Condition, Rule, Suite

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.declare.dataset import Dataset, RowRule


def suite_of(dataset: Dataset, frame: DataFrame) -> Suite:
    """Return the suite of a dataset's own rules.

    Args:
        dataset: The declaration.
        frame: What its query returns.

    Raises:
        AuthorError: A condition does not fit the columns, or two rules share a name.
    """
    rules: dict[str, Rule] = {}
    for rule in dataset.rules:
        if rule.name in rules:
            problem = f"{dataset.location}: `{dataset.name}` has two expectations with the name `{rule.name}`."
            raise AuthorError(problem, "Give one of them another name.")
        condition = Condition((), f"({_sql(rule, dataset, frame)}\n) is false", when_present=False)
        rules[rule.name] = Rule(rule.name, rule.action, "", (condition,))
    return Suite(dataset.name, tuple(rules.values()), ())


def _sql(rule: RowRule, dataset: Dataset, frame: DataFrame) -> str:
    """Return a rule's condition as SQL, checked over the frame."""
    try:
        text = rule.condition if isinstance(rule.condition, str) else _text_of(rule.condition, frame)
        kind = frame.selectExpr(f"({text}\n) as verdict").schema["verdict"].dataType.typeName()
    except PySparkException as error:
        first_line = str(error).splitlines()[0]
        problem = f"{dataset.location}: the expectation `{rule.name}` of `{dataset.name}`: {first_line}"
        raise AuthorError(problem, "Correct its condition; it may use what the query returns.") from error
    if kind not in {"boolean", "void"}:
        problem = f"{dataset.location}: the expectation `{rule.name}` of `{dataset.name}` is a {kind}, not a condition."
        raise AuthorError(problem, "Write something that is true or false for a row.")
    return text


def _text_of(condition: Column, frame: DataFrame) -> str:
    """Return a column as the SQL of its analysed expression."""
    # A frame of its own: the query's columns may carry the names of views that no longer exist when rows are judged.
    columns: Any = frame.sparkSession.createDataFrame([], frame.schema)
    chosen: Any = columns.select(condition.alias("verdict"))
    return str(chosen._jdf.queryExecution().analyzed().expressions().head().child().sql())  # noqa: SLF001 - as in plans
