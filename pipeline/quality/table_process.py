"""Great Expectations in a process of its own: judges whole tables, over the JVM of the update that started it or here.

One request a line on standard input, one answer a line on standard output, both JSON; it ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable as DeltaLog

from pipeline.arrow import FEW_ROWS, arrow_dataset, few_rows, folder_of, frame_of
from pipeline.quality.compiler import columns_of, load_suite, open_context
from pipeline.quality.pandas_rows import as_pandas, judges_alike
from pipeline.quality.proof import is_proven
from pipeline.quality.rules import RuleMeta
from pipeline.quality.table_verdict import exception_in
from pipeline.scan import scan
from pipeline.session import attached_session

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

# pandas judges these in a third of a second, Spark in two.
_ROWS_IN_MEMORY = 300_000
_OF_RANKS = "expect_column_quantile_values_to_be_between"
_VALUES_IN_MEMORY = 5_000_000


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must not look like an answer.
    os.dup2(2, 1)
    folder = Path(sys.argv[1])
    # The import takes seconds; the update's flows still run meanwhile.
    context = open_context(folder)
    attached = cache(attached_session)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            session = partial(attached, request["port"], request["secret"])
            answer: dict[str, Any] = {"document": _judged(context, folder, session, request)}
        except Exception as error:  # noqa: BLE001 - the update says what became of it
            text = str(error).strip().splitlines()
            answer = {"problem": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        answers.write(json.dumps({"number": request["number"], **answer}, default=_plain) + "\n")
        answers.flush()


def _judged(context: Any, folder: Path, session: Callable[[], SparkSession], request: dict[str, Any]) -> dict[str, Any]:
    """Return Great Expectations' verdicts on one version of a table, as `results` of a validation result."""
    log = DeltaLog(request["path"], version=request["version"])
    columns = {field.name for field in log.schema().fields}
    row_count = log.count()
    suite = load_suite(context, request["suite"], folder / f"{request['suite']}.json")
    asked = _asked(suite, request["names"], columns)

    def results(source: Any, rows: Any, expectations: list[Any]) -> list[dict[str, Any]]:
        batches = source.add_dataframe_asset(request["table"]).add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch(batch_parameters={"dataframe": rows})
        return _results(batch, suite, expectations, request["parameters"], row_count)

    found: list[dict[str, Any]] = []
    few = few_rows(log, most=_ROWS_IN_MEMORY)
    held, of_held = (few, asked) if few else _values_to_rank(log, asked, row_count)
    in_memory = [item for item in of_held if judges_alike(item, held)] if held else []
    if held and in_memory:
        found = results(context.data_sources.add_or_update_pandas("rows"), as_pandas(held, in_memory), in_memory)
        # What pandas cannot compare, Spark may.
        found = [result for result in found if exception_in(result) is None]
    frame = cache(lambda: _frame(session(), log, few))
    left = _unsettled(asked, found)
    if not few:
        proven = [item for item in left if _may_none_break(item) and is_proven(item, log, frame)]
        found += [_unbroken(item, row_count) for item in proven]
        left = _unsettled(asked, found)
    if left:
        rows = frame()
        # Only now, for Great Expectations would start a session of its own where it finds none.
        found += results(context.data_sources.add_or_update_spark("tables", persist=False), rows, left)
    return {"results": sorted(found, key=_number)}


def _asked(suite: Any, names: list[str], columns: set[str]) -> list[Any]:
    """Return a suite's expectations of some names on columns that are there, numbered in their ids."""
    asked = [
        expectation
        for expectation in suite.expectations
        if RuleMeta.of(expectation.expectation_type, expectation.meta or {}, "").name in names
        and set(columns_of(expectation)) <= columns
    ]
    for number, expectation in enumerate(asked):
        # Ids are copied with their expectations; by its place each result finds its own.
        expectation.id = str(number)
    return asked


def _unsettled(asked: list[Any], found: list[dict[str, Any]]) -> list[Any]:
    settled = set(map(_number, found))
    return [item for item in asked if int(item.id) not in settled]


def _values_to_rank(log: DeltaLog, asked: list[Any], row_count: int) -> tuple[pa.Table | None, list[Any]]:
    """Return the columns of a large table whose values are ranked, if these are few enough, and what asks for them.

    Spark ranks them exactly for Great Expectations, which takes it several times as long as to sort them.
    """
    ranking = [item for item in asked if item.expectation_type == _OF_RANKS]
    names = {name for item in ranking for name in columns_of(item)}
    fit = 0 < row_count * len(names) <= _VALUES_IN_MEMORY
    return arrow_dataset(log).to_table(sorted(names)) if fit else None, ranking


def _number(result: dict[str, Any]) -> int:
    return int(result["expectation_config"]["id"])


def _frame(spark: SparkSession, log: DeltaLog, few: pa.Table | None) -> DataFrame:
    """Return the rows of a version of a table, as few of them where they are."""
    rows = frame_of(few, spark) if few and few.num_rows <= FEW_ROWS else scan(spark, log)
    if rows is None:
        rows = spark.read.format("delta").option("versionAsOf", str(log.version())).load(str(folder_of(log)))
    return rows


def _results(
    batch: Any, suite: Any, asked: list[Any], parameters: dict[str, str], row_count: int
) -> list[dict[str, Any]]:
    """Return the results of some of a suite's expectations.

    Rows that break an expectation are looked up only where there are some: to look them up is as much work as
    to count them. Where none may break it, its success alone says how many do.
    """

    def validated(expectations: list[Any], result_format: str) -> list[dict[str, Any]]:
        suite.expectations = expectations
        result = batch.validate(suite, expectation_parameters=parameters, result_format=result_format)
        results: list[dict[str, Any]] = result.to_json_dict()["results"]
        for result in results:
            # Rows have no numbers but in memory.
            result["result"].pop("partial_unexpected_index_list", None)
        return results

    counting = [item for item in asked if _may_none_break(item)]
    unbroken = [result for result in validated(counting, "BOOLEAN_ONLY") if result["success"]] if counting else []
    for result in unbroken:
        result["result"] = _none_of(row_count)
    others = _unsettled(asked, unbroken)
    return unbroken + (validated(others, "SUMMARY") if others else [])


def _unbroken(expectation: Any, row_count: int) -> dict[str, Any]:
    """Return the result of an expectation that all rows meet, as Great Expectations would put it."""
    from great_expectations.core import ExpectationValidationResult  # noqa: PLC0415 - takes seconds

    told = ExpectationValidationResult(True, expectation.configuration, _none_of(row_count))
    document: dict[str, Any] = told.to_json_dict()
    return document


def _none_of(row_count: int) -> dict[str, Any]:
    return {
        "element_count": row_count, "unexpected_count": 0, "unexpected_percent": 0.0, "partial_unexpected_list": [],
    }  # fmt: skip


def _may_none_break(expectation: Any) -> bool:
    """Tell whether an expectation is one of rows, all of them, of which none may break it."""
    from great_expectations.expectations.expectation import (  # noqa: PLC0415 - takes seconds
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    of_rows = isinstance(expectation, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation)
    return of_rows and expectation.mostly == 1 and expectation.row_condition is None


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's own, and what JSON does not know as text."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main()
