"""`data-docs`: Great Expectations' pages about suites and their latest results."""

from __future__ import annotations

from typing import Any

from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, PipelineOption, Target
from pipeline.foundation.shown import say


def data_docs(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE) -> None:
    """Build Great Expectations' Data Docs from the latest results and print their address."""
    target = Target.find(home, pipeline, to_write=True)
    from pipeline.quality.data_docs import build_data_docs  # noqa: PLC0415 - imports Great Expectations

    places = target.schema
    judged = _row_results(target)
    suites = target.settings.expectations
    page = build_data_docs(suites, places.suites, places.validations, judged, places.data_docs)
    say(f"Data Docs: {page.as_uri()}")


def _row_results(target: Target) -> dict[str, dict[str, Any]]:
    """Return, by suite, the results of each table's newest batch with row expectations."""
    from pipeline.events.stored_log import StoredLog  # noqa: PLC0415 - imports Arrow
    from pipeline.ingest.declarations import declared_datasets  # noqa: PLC0415 - runs the author's module
    from pipeline.quality.declared_suite import suite_file  # noqa: PLC0415 - imports Spark

    datasets = declared_datasets(target.home, target.settings)
    declared = {dataset.name: dataset.expectations for dataset in datasets if dataset.expectations}
    generated = {dataset.name: suite_file(target.schema.suites, dataset.name) for dataset in datasets}
    declared |= {table: file.stem for table, file in generated.items() if file.is_file()}
    newest = StoredLog(target.schema.event_log).newest_evidence(set(declared))
    return {str(declared[table]): evidence for table, evidence in newest.items()}
