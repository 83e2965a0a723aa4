"""Suites compiled to Spark conditions by Great Expectations' own metric engine."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.errors import AuthorError
from pipeline.quality.parameters import parameters_of
from pipeline.quality.rules import Condition, RuleMeta, Suite, grouped, table_expectation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

_TYPE = re.compile(r'"type"\s*:\s*"expect_')
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
# What `ignore_row_if` leaves unjudged; Great Expectations keeps it out of the condition itself.
_IGNORED_ROWS = {
    "both_values_are_missing": " and ",
    "all_values_are_missing": " and ",
    "either_value_is_missing": " or ",
    "any_value_is_missing": " or ",
}


def open_context(folder: Path) -> Any:
    """Return a Great Expectations context whose suites live in a folder, one JSON file each."""
    with warnings.catch_warnings():
        # The import of Great Expectations warns about its own dependencies.
        warnings.simplefilter("ignore")
        import great_expectations as gx  # noqa: PLC0415 - takes seconds, and an ordinary update does without
        from great_expectations.data_context.types.base import (  # noqa: PLC0415
            DataContextConfig,
            InMemoryStoreBackendDefaults,
        )
    config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False)
    config.stores["expectations_store"] = {
        "class_name": "ExpectationsStore",
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder),
            # Reading leaves no file of its own behind.
            "suppress_store_backend_id": True,
        },
    }
    config.expectations_store_name = "expectations_store"
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    return context


def compile_suite(folder: Path, name: str, frame: DataFrame, stored: Sequence[str], *, by_row: bool) -> Suite:
    """Return a suite with its row conditions, as Great Expectations resolves them for a frame's columns.

    Args:
        folder: Where the suites are.
        name: Which of them.
        frame: Rows as they are judged.
        stored: The columns that the table keeps.
        by_row: Whether rows are judged on their way; else every expectation is one of the whole table.

    Raises:
        AuthorError: The suite cannot be loaded, or names a column that there is not.
    """
    context = open_context(folder)
    file = folder / f"{name}.json"
    metrics = _Metrics(context, frame) if by_row else None
    conditions: list[tuple[RuleMeta, Condition]] = []
    of_table: dict[str, list[tuple[RuleMeta, tuple[str, ...]]]] = {}
    for index, expectation in enumerate(load_suite(context, name, file).expectations):
        where = f"{file}:{line_of(file, index)}"
        meta = RuleMeta.of(expectation.expectation_type, expectation.meta or {}, where)
        columns = columns_of(expectation)
        missing = [column for column in columns if column not in frame.columns]
        sql = None if missing or metrics is None else metrics.violated_sql(expectation)
        if sql is not None or (missing and by_row and meta.when_present):
            conditions.append((meta, Condition(columns, sql, meta.when_present)))
            continue
        # What is missing from rows on their way may still be a column of the table, and the other way round.
        known = stored if metrics is None or not missing else frame.columns
        missing = [column for column in columns if column not in known]
        if missing and not meta.when_present:
            raise unknown_column(where, meta.name, missing[0], list(known))
        of_table.setdefault(meta.name, []).append((meta, parameters_of(expectation.configuration.kwargs, where)))
    table_level = tuple(table_expectation(metas, str(file)) for metas in of_table.values())
    return Suite(name, grouped(conditions, str(file)), table_level)


def line_of(file: Path, index: int) -> int:
    """Return the line, from 1, on which a suite's expectation of that index has its type; 1 if there is none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) for _ in _TYPE.findall(line)]
    return found[index] if index < len(found) else 1


def load_suite(context: Any, name: str, file: Path) -> Any:
    """Return a suite as Great Expectations reads it.

    Raises:
        AuthorError: It cannot be read, or not all of it.
    """
    remedy = "Correct the file, or save the suite anew through Great Expectations."
    try:
        suite = context.suites.get(name)
        written = [item["type"] for item in json.loads(file.read_text(encoding="utf-8"))["expectations"]]
    except Exception as error:
        problem = f"{file}: Great Expectations cannot load the suite: {error}."
        raise AuthorError(problem, remedy) from error
    # What it does not know or cannot build, it leaves out and says so in a log that nobody reads.
    left_out = Counter(written) - Counter(expectation.expectation_type for expectation in suite.expectations)
    if left_out:
        problem = f"{file}: Great Expectations cannot load the suite's {', '.join(left_out)}."
        raise AuthorError(problem, remedy)
    return suite


def unknown_column(where: str, rule: str, column: str, known: list[str]) -> AuthorError:
    """Return the error for a rule on a column that the judged rows do not have."""
    problem = f"{where}: expectation `{rule}` names the column `{column}`; the rows have {', '.join(known)}."
    remedy = 'Correct the name, or write "when_present": true into its meta if the column comes later.'
    return AuthorError(problem, remedy)


def columns_of(expectation: Any) -> tuple[str, ...]:
    """Return the columns that an expectation names."""
    given = expectation.configuration.kwargs
    single = [given[key] for key in _COLUMN_ARGUMENTS if given.get(key)]
    return tuple(dict.fromkeys([*single, *given.get("column_list", ()), *given.get("column_set", ())]))


class _Metrics:
    """Great Expectations' metric engine over one empty frame."""

    def __init__(self, context: Any, frame: DataFrame) -> None:
        from great_expectations.validator.metrics_calculator import MetricsCalculator  # noqa: PLC0415

        self._frame = frame
        source = context.data_sources.add_or_update_spark("judged_rows", persist=False)
        batches = source.add_dataframe_asset("judged_rows").add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch(batch_parameters={"dataframe": frame})
        engine = source.get_execution_engine()
        engine.batch_manager.load_batch_list(batch_list=[batch])
        self._calculator = MetricsCalculator(execution_engine=engine, show_progress_bars=False)

    def violated_sql(self, expectation: Any) -> str | None:
        """Return the condition of rows that violate an expectation, or None if it has no row condition."""
        metric = getattr(expectation, "map_metric", None)
        if metric is None or expectation.configuration.kwargs.get("row_condition"):
            return None
        condition = self._resolve(f"{metric}.condition", expectation.configuration)
        sql = None if condition is None else self._sql(condition)
        if sql is None:
            return None
        joiner = _IGNORED_ROWS.get(expectation.configuration.kwargs.get("ignore_row_if") or "")
        if joiner is None:
            return sql
        ignored = joiner.join(f"`{column}` IS NULL" for column in columns_of(expectation))
        return f"({sql}) and not ({ignored})"

    def _resolve(self, metric_name: str, configuration: Any) -> Column | None:
        from great_expectations.exceptions.exceptions import GreatExpectationsError  # noqa: PLC0415
        from great_expectations.expectations.registry import get_metric_kwargs  # noqa: PLC0415
        from great_expectations.validator.metric_configuration import MetricConfiguration  # noqa: PLC0415

        try:
            arguments = get_metric_kwargs(metric_name=metric_name, configuration=configuration)
            resolved = self._calculator.get_metric(
                MetricConfiguration(
                    metric_name,
                    metric_domain_kwargs=arguments["metric_domain_kwargs"],
                    metric_value_kwargs=arguments["metric_value_kwargs"],
                )
            )
        except GreatExpectationsError:
            return None
        condition: Column = resolved[0]
        return condition

    def _sql(self, condition: Column) -> str | None:
        from pyspark.errors import AnalysisException  # noqa: PLC0415

        try:
            plan = self._frame.where(condition)._jdf.queryExecution().analyzed()  # noqa: SLF001
        except AnalysisException:
            # A window function: the row alone does not decide.
            return None
        return str(plan.condition().sql())
