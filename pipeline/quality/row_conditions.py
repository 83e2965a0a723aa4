"""The conditions under which one row violates an expectation, as Great Expectations' metric engine computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException

from pipeline.foundation.errors import AuthorError
from pipeline.quality import python_rules
from pipeline.quality.parameters import parameters_of
from pipeline.quality.rules import OF_SHARE, Condition, RuleMeta
from pipeline.quality.suite_file import columns_of, unknown_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.quality.metrics import Metrics

_COMPARES_ROWS = "it compares rows with one another"
# What to write in place of expectations that Great Expectations has not implemented for Spark, by a part of their type.
_INSTEAD = {
    "like_pattern": "Write `expect_column_values_to_match_regex` or `expect_column_values_to_not_match_regex`.",
    "dateutil_parseable": "Write `expect_column_values_to_match_strftime_format`, or cast the column in the query.",
    "strftime": "Give it a STRING column and a format that Python can also read.",
    "other_table": "Count both tables in the query of a materialized view, and judge the difference.",
    "match_comparison": "Compare both sides in the query of a materialized view, and judge the difference.",
}


class RowConditions:
    """Finds the conditions for rows of certain columns.

    Args:
        metrics: Great Expectations' metric engine over these columns.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._frame = metrics.rows

    def of(self, expectation: Any, meta: RuleMeta) -> Condition | str:
        """Return when one row violates an expectation, or why only the whole table can be judged by it.

        Raises:
            AuthorError: The expectation cannot be judged on such rows, or names a column that they do not have.
        """
        arguments = expectation.configuration.kwargs
        if getattr(expectation, "map_metric", None) is None:
            return "it is about all rows together"
        if arguments.get("mostly", 1) != 1:
            return OF_SHARE
        if parameters_of(arguments, meta.where):
            return "its `$PARAMETER` changes with the time"
        columns = columns_of(expectation)
        missing = [column for column in columns if column not in self._frame.columns]
        try:
            return self._waiting(meta, columns, missing[0]) if missing else self._computed(expectation, meta, columns)
        except AnalysisException as error:
            if error.getCondition() == "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE":
                return _COMPARES_ROWS
            if str(error.getCondition()).startswith("UNRESOLVED_COLUMN"):
                named = error.getMessageParameters() or {}
                return self._waiting(meta, columns, named.get("objectName", "").strip("`"))
            raise unjudgeable(expectation, meta, str(error)) from error

    def _waiting(self, meta: RuleMeta, columns: tuple[str, ...], missing: str) -> Condition:
        if not meta.when_present:
            raise unknown_column(meta.where, meta.name, missing, self._frame.columns)
        return Condition((*columns, *({missing} - set(columns))), None, when_present=True)

    def _computed(self, expectation: Any, meta: RuleMeta, columns: tuple[str, ...]) -> Condition | str:
        from great_expectations.exceptions import exceptions  # noqa: PLC0415
        from great_expectations.expectations.registry import get_metric_kwargs  # noqa: PLC0415
        from great_expectations.validator.metric_configuration import MetricConfiguration  # noqa: PLC0415

        name = f"{expectation.map_metric}.condition"
        given = get_metric_kwargs(metric_name=name, configuration=expectation.configuration)
        metric = MetricConfiguration(name, given["metric_domain_kwargs"], given["metric_value_kwargs"])
        judged_rows = self._metrics.rows_in(given["metric_domain_kwargs"])
        try:
            if any(used.startswith("column.") for used in self._metrics.names([metric])):
                return _COMPARES_ROWS
            violated = self._metrics.resolved([metric])[metric.id][0]
        except exceptions.MetricProviderError:
            return "Great Expectations has no condition on rows for it"
        except exceptions.GreatExpectationsError as error:
            raise unjudgeable(expectation, meta, str(error)) from error
        own = python_rules.violated_sql(expectation.map_metric, expectation.configuration.kwargs)
        if own and expectation.map_metric in python_rules.OF_TEXT:
            kind = self._frame.schema[columns[0]].dataType.simpleString()
            if kind != "string":
                raise unjudgeable(expectation, meta, f"`{columns[0]}` is {kind.upper()}, and it reads text alone.")
        filters, used = _filters(judged_rows if own else judged_rows.where(violated))
        condition = " AND ".join(f"({part})" for part in [*filters, *([own] if own else [])])
        python_rules.register(self._frame.sparkSession, condition)
        try:
            self._frame.where(condition)
        except AnalysisException:
            return "its condition has no form in SQL"
        return Condition(tuple(dict.fromkeys([*columns, *used])), condition, meta.when_present)


def unjudgeable(expectation: Any, meta: RuleMeta, problem: str) -> AuthorError:
    """Return the error for an expectation that Great Expectations cannot judge on the rows of a table."""
    kind, first_line = expectation.expectation_type, problem.strip().split("\n", 1)[0]
    instead = next((text for part, text in _INSTEAD.items() if part in kind), "Correct its arguments, or leave it out.")
    return AuthorError(f"{meta.where}: `{meta.name}` ({kind}) cannot be judged: {first_line}", instead)


def _filters(rows: DataFrame) -> tuple[list[str], list[str]]:
    """Return the conditions that rows have been filtered by, the first one first, and the columns in them."""
    plan = rows._jdf.queryExecution().analyzed()  # noqa: SLF001
    conditions: list[str] = []
    columns: list[str] = []
    while plan.nodeName() == "Filter":
        conditions.insert(0, str(plan.condition().sql()))
        references = plan.condition().references().iterator()
        while references.hasNext():
            columns.append(str(references.next().name()))
        plan = plan.child()
    return conditions, columns
