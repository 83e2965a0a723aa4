"""Suites compiled: rules on single rows to Spark conditions, all others to expectations of the whole table."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.foundation.errors import AuthorError
from pipeline.foundation.sql_names import quoted
from pipeline.quality import python_rules
from pipeline.quality.metrics import Metrics
from pipeline.quality.parameters import parameters_of
from pipeline.quality.row_conditions import RowConditions, unjudgeable
from pipeline.quality.rules import Condition, OfTable, RuleMeta, Suite, grouped, table_expectations
from pipeline.quality.suite_file import columns_of, line_of, load_suite, open_context, unknown_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_READ_WHOLE = "a view, or a table that reads files, is judged as a whole"


def compile_suite(folder: Path, name: str, frame: DataFrame, stored: Sequence[str], *, by_row: bool) -> Suite:
    """Return a suite with its row conditions, as Great Expectations resolves them for a frame's columns.

    Args:
        folder: Where the suites are.
        name: The suite's name.
        frame: A frame with the columns of the rows that are judged.
        stored: The table's columns.
        by_row: Whether rows are judged before they are written; else every expectation is a table expectation.

    Raises:
        AuthorError: The suite cannot be loaded, an expectation cannot be judged or does not fit its action, or a column
            does not exist.
    """
    file = folder / f"{name}.json"
    conditions: list[tuple[RuleMeta, Condition]] = []
    of_table: list[OfTable] = []
    with warnings.catch_warnings():
        # Of means of nothing, and of row conditions in the form of earlier versions, which mean the same.
        warnings.simplefilter("ignore")
        context = open_context(folder)
        rows = RowConditions(Metrics(context, frame, frame.schema)) if by_row else None
        whole = Metrics(context, frame, _stored_schema(frame, stored))
        for index, expectation in enumerate(load_suite(context, name, file).expectations):
            meta = RuleMeta.of(expectation.expectation_type, expectation.meta or {}, f"{file}:{line_of(file, index)}")
            found = rows.of(expectation, meta) if rows else _READ_WHOLE
            if isinstance(found, Condition):
                conditions.append((meta, found))
            else:
                of_table.append(OfTable(meta, found, _checked_parameters(expectation, meta, whole, found)))
    rules = grouped(conditions, str(file))
    return Suite(name, rules, table_expectations(of_table, {rule.name for rule in rules}))


def _stored_schema(frame: DataFrame, stored: Sequence[str]) -> StructType:
    # The columns that the engine adds to a table list names.
    marks = F.array().cast("array<string>")
    return frame.select(
        *(F.col(quoted(name)) if name in frame.columns else marks.alias(name) for name in stored)
    ).schema


def _checked_parameters(expectation: Any, meta: RuleMeta, table: Metrics, reason: str) -> tuple[str, ...]:
    """Return the suite parameters of an expectation that can be judged on a table, now or once its columns exist.

    Raises:
        AuthorError: It cannot be judged, or names a column that the table does not have.
    """
    from great_expectations.exceptions.exceptions import GreatExpectationsError  # noqa: PLC0415

    if getattr(expectation, "map_metric", None) in python_rules.METRICS:
        problem = f"{meta.where}: `{meta.name}` ({expectation.expectation_type}) cannot be judged on the whole table"
        raise AuthorError(
            f"{problem}: Great Expectations uses a Python function for it. Rows are not judged either: {reason}.",
            "Leave `mostly` out in a table that reads another one, or compute a column in the query and judge that.",
        )
    names = parameters_of(expectation.configuration.kwargs, meta.where)
    missing = [column for column in columns_of(expectation) if column not in table.rows.columns]
    if missing and not meta.when_present:
        raise unknown_column(meta.where, meta.name, missing[0], table.rows.columns)
    try:
        if not missing:
            wanted = table.needed_for(expectation)
            # What a parameter stands for is known only when the table is judged.
            _ = table.names(wanted) if names else table.resolved(wanted)
    except GreatExpectationsError as error:
        raise unjudgeable(expectation, meta, str(error)) from error
    return names
