"""Judges one version of a table: with pandas if it is small, else with Spark, both through Great Expectations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.delta.reading import bounded_rows, file_sizes, folder_of, is_its_files, opened, scan
from pipeline.quality.rules import RuleMeta
from pipeline.quality.suite_file import columns_of, load_suite
from pipeline.quality.tables.pandas_rows import as_pandas, judged_columns, judges_alike, may_judge_alike
from pipeline.quality.tables.table_verdict import Request, exception_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


Result = dict[str, Any]

_WITH_EXAMPLES = {"result_format": "SUMMARY"}
# Looking up the rows that break an expectation costs as much as counting them.
_COUNTS_ALONE = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class PandasLimits:
    """Up to where a table is small, that is, judged faster by pandas than by Spark.

    Attributes:
        rows: The most rows.
        file_bytes: The most bytes in its files.
        judged_bytes: The most memory that the columns take whose values are judged.
    """

    rows: int = 300_000
    file_bytes: int = 32 * 1024**2
    judged_bytes: int = 128 * 1024**2


class TableJudging:
    """One version of a table, and the expectations that are judged on it.

    Args:
        context: Great Expectations' context.
        suites: The folder of the suites.
        session: Gives the Spark session; called only if Spark has to judge.
        request: What is judged.
        limits: Up to where the table is small.
    """

    def __init__(
        self,
        context: Any,
        suites: Path,
        session: Callable[[], SparkSession],
        request: Request,
        limits: PandasLimits | None = None,
    ) -> None:
        self._context = context
        self._session = session
        self._request = request
        self._limits = limits or PandasLimits()
        self._table = opened(request.path, request.version)
        self._suite = load_suite(context, request.suite, suites / f"{request.suite}.json")

    def results(self) -> list[Result]:
        """Return Great Expectations' result for each expectation, in the suite's order."""
        expectations = self._expectations()
        found = self._judged_by_pandas(expectations) if self._is_small else []
        found += self._judged_by_spark(_without_result(expectations, found))
        return sorted(found, key=_number)

    def _expectations(self) -> list[Any]:
        """Return the suite's table expectations on columns that exist, numbered in their ids."""
        columns = {field.name for field in self._table.schema().fields}
        expectations = [
            expectation
            for expectation in self._suite.expectations
            if RuleMeta.of(expectation.expectation_type, expectation.meta or {}, "").name in self._request.names
            and set(columns_of(expectation)) <= columns
        ]
        for number, expectation in enumerate(expectations):
            # An author may have copied an id along with its expectation, so results are matched by number.
            expectation.id = str(number)
        return expectations

    @cached_property
    def _is_small(self) -> bool:
        if not is_its_files(self._table):
            return False
        return self._table.count() <= self._limits.rows and sum(file_sizes(self._table)) <= self._limits.file_bytes

    def _judged_by_pandas(self, expectations: list[Any]) -> list[Result]:
        """Return the results of those expectations for which pandas comes to Spark's verdict."""
        possible = [expectation for expectation in expectations if may_judge_alike(expectation)]
        rows = self._rows(judged_columns(possible))
        if rows is None:
            return []
        fitting = [expectation for expectation in possible if judges_alike(expectation, rows)]
        if not fitting:
            return []
        batch = self._batch(self._context.data_sources.add_or_update_pandas("rows"), as_pandas(rows, fitting))
        results = self._validated(batch, fitting, _WITH_EXAMPLES)
        # Spark may be able to compare values that pandas cannot.
        return [result for result in results if exception_in(result) is None]

    def _rows(self, judged: set[str]) -> pa.Table | None:
        """Return the rows with all their columns, of which only some have their values; None where these are large."""
        names = [field.name for field in self._table.schema().fields]
        read = [name for name in names if name in judged] or names[:1]
        rows = bounded_rows(self._table, read, self._limits.rows, self._limits.judged_bytes)
        if rows is None:
            return None
        left = pa.nulls(rows.num_rows, pa.bool_())
        return pa.table([rows[name] if name in read else left for name in names], names)

    def _judged_by_spark(self, expectations: list[Any]) -> list[Result]:
        """Return the results of expectations, with examples for those that rows break."""
        if not expectations:
            return []
        rows = self._frame()
        # Great Expectations would start a session of its own if `_frame` had not attached one.
        batch = self._batch(self._context.data_sources.add_or_update_spark("tables", persist=False), rows)
        counted = self._validated(batch, expectations, _COUNTS_ALONE)
        unbroken = [result for result in counted if not result["result"].get("unexpected_count")]
        broken = _without_result(expectations, unbroken)
        return unbroken + (self._validated(batch, broken, _WITH_EXAMPLES) if broken else [])

    def _frame(self) -> DataFrame:
        spark = self._session()
        rows = scan(spark, self._table)
        if rows is None:
            reader = spark.read.format("delta").option("versionAsOf", str(self._table.version()))
            rows = reader.load(str(folder_of(self._table)))
        return rows

    def _batch(self, source: Any, rows: Any) -> Any:
        batches = source.add_dataframe_asset(self._request.table).add_batch_definition_whole_dataframe("all")
        return batches.get_batch(batch_parameters={"dataframe": rows})

    def _validated(self, batch: Any, expectations: list[Any], result_format: dict[str, Any]) -> list[Result]:
        self._suite.expectations = expectations
        parameters = self._request.parameters
        validated = batch.validate(self._suite, expectation_parameters=parameters, result_format=result_format)
        results: list[Result] = validated.to_json_dict()["results"]
        for result in results:
            # Only pandas numbers rows, so reports do without.
            result["result"].pop("partial_unexpected_index_list", None)
        return results


def _without_result(expectations: list[Any], results: list[Result]) -> list[Any]:
    numbers = set(map(_number, results))
    return [expectation for expectation in expectations if int(expectation.id) not in numbers]


def _number(result: Result) -> int:
    return int(result["expectation_config"]["id"])
