"""Great Expectations' metric engine over an empty table: what it can compute, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_RAISING = {"catch_exceptions": False}


class Metrics:
    """Great Expectations' metric engine over one empty frame.

    Args:
        context: Great Expectations' context.
        frame: Gives the session.
        schema: The columns.
    """

    def __init__(self, context: Any, frame: DataFrame, schema: StructType) -> None:
        from great_expectations.validator.metrics_calculator import MetricsCalculator  # noqa: PLC0415

        # Without a query's own filters, all filters of a plan are Great Expectations'.
        self.rows = frame.sparkSession.createDataFrame([], schema)
        source = context.data_sources.add_or_update_spark("empty", persist=False)
        batches = source.add_dataframe_asset("empty").add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch(batch_parameters={"dataframe": self.rows})
        self._engine = source.get_execution_engine()
        self._engine.batch_manager.load_batch_list(batch_list=[batch])
        self._calculator = MetricsCalculator(execution_engine=self._engine, show_progress_bars=False)

    def rows_in(self, domain: dict[str, Any]) -> DataFrame:
        """Return the rows that a domain leaves: `row_condition` and `ignore_row_if` leave some out.

        Raises:
            AnalysisException: The domain's condition cannot be applied to these columns.
        """
        rows: DataFrame = self._engine.get_domain_records(domain)
        return rows

    def names(self, wanted: list[Any]) -> set[str]:
        """Return the names of metrics and of all that they are computed from.

        Raises:
            MetricProviderError: Great Expectations has not implemented one of them for Spark.
        """
        return {edge.left.metric_name for edge in self._calculator.build_metric_dependency_graph(wanted).edges}

    def resolved(self, wanted: list[Any]) -> dict[Any, Any]:
        """Return metrics, and what they are computed from, by their ids.

        Raises:
            GreatExpectationsError: One of them cannot be computed for these columns.
        """
        graph = self._calculator.build_metric_dependency_graph(wanted)
        found: dict[Any, Any] = self._calculator.resolve_validation_graph(graph, _RAISING)[0]
        return found

    def needed_for(self, expectation: Any) -> list[Any]:
        """Return the metrics that an expectation is judged by."""
        dependencies = expectation.get_validation_dependencies(execution_engine=self._engine)
        wanted: list[Any] = dependencies.get_metric_configurations()
        return wanted
