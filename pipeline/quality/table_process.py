"""Great Expectations in a process of its own: judges whole tables over the JVM of the update that started it.

One request a line on standard input, one answer a line on standard output, both JSON; it ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.quality.compiler import columns_of, load_suite, open_context
from pipeline.quality.rules import RuleMeta
from pipeline.session import attached_session
from pipeline.tables import Table


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must not look like an answer.
    os.dup2(2, 1)
    folder = Path(sys.argv[1])
    # The import takes seconds; the update's flows still run meanwhile.
    context = open_context(folder)
    spark: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            spark = spark or attached_session(request["port"], request["secret"])
            answer: dict[str, Any] = {"document": _judged(context, folder, spark, request)}
        except Exception as error:  # noqa: BLE001 - the update says what became of it
            text = str(error).strip().splitlines()
            answer = {"problem": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        answers.write(json.dumps(answer, default=_plain) + "\n")
        answers.flush()


def _judged(context: Any, folder: Path, spark: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return Great Expectations' validation result of one version of a table."""
    reader = spark.read.format("delta")
    if Table(Path(request["path"])).version() != request["version"]:
        # Only then: Delta computes the state of a version that is asked for by its number anew.
        reader = reader.option("versionAsOf", str(request["version"]))
    rows = reader.load(request["path"])
    suite = load_suite(context, request["suite"], folder / f"{request['suite']}.json")
    suite.expectations = [
        expectation
        for expectation in suite.expectations
        if RuleMeta.of(expectation.expectation_type, expectation.meta or {}, "").name in request["names"]
        and set(columns_of(expectation)) <= set(rows.columns)
    ]
    source = context.data_sources.add_or_update_spark("tables", persist=False)
    batches = source.add_dataframe_asset(request["table"]).add_batch_definition_whole_dataframe("all")
    batch = batches.get_batch(batch_parameters={"dataframe": rows})
    result = batch.validate(suite, expectation_parameters=request["parameters"], result_format="SUMMARY")
    document: dict[str, Any] = result.to_json_dict()
    return document


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's own, and what JSON does not know as text."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main()
