"""Suites compiled to Spark conditions by Great Expectations' own metric engine."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.errors import AuthorError
from pipeline.quality.rules import Condition, RuleMeta, Suite, grouped

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

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


def compile_suite(folder: Path, name: str, frame: DataFrame) -> Suite:
    """Return a suite with its row conditions, as Great Expectations resolves them for a frame's columns.

    Expectations that cannot be judged row by row are named in `table_expectations`.

    Raises:
        AuthorError: The suite cannot be loaded, or names a column that the frame lacks.
    """
    context = open_context(folder)
    where = str(folder / f"{name}.json")
    suite = _loaded(context, name, folder / f"{name}.json")
    metrics = _Metrics(context, frame)
    conditions: list[tuple[RuleMeta, Condition]] = []
    table_level: list[str] = []
    for expectation in suite.expectations:
        meta = RuleMeta.of(expectation.expectation_type, expectation.meta or {}, where)
        columns = _columns_of(expectation)
        missing = [column for column in columns if column not in frame.columns]
        if missing and not meta.when_present:
            raise unknown_column(where, meta.name, missing[0], frame.columns)
        sql = None if missing else metrics.violated_sql(expectation)
        if sql is None and not missing:
            table_level.append(meta.name)
        else:
            conditions.append((meta, Condition(columns, sql, meta.when_present)))
    return Suite(name, grouped(conditions, where), tuple(dict.fromkeys(table_level)))


def _loaded(context: Any, name: str, file: Path) -> Any:
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


def _columns_of(expectation: Any) -> tuple[str, ...]:
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
        ignored = joiner.join(f"`{column}` IS NULL" for column in _columns_of(expectation))
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
