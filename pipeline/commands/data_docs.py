"""`data-docs`: Great Expectations' pages of suites and last verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, PipelineOption
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings


def data_docs(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE) -> None:
    """Build Great Expectations' Data Docs from the last verdicts and print where they are."""
    settings = load_settings(pipeline)
    place = Home.find(home)
    place.make_writable()
    from pipeline.quality.data_docs import build_data_docs  # noqa: PLC0415 - imports take seconds

    validations = place.state / "validations" / settings.target_schema
    site = place.state / "data_docs" / settings.target_schema
    page = build_data_docs(settings.expectations, validations, _judged_by_row(place, settings), site)
    typer.echo(f"Data Docs: {page.as_uri()}")


def _judged_by_row(place: Home, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return, by suite, what the newest batch of each table whose rows are judged has shown."""
    from pipeline.graph import load_declarations  # noqa: PLC0415
    from pipeline.quality.evidence import newest_evidence  # noqa: PLC0415

    datasets = load_declarations(settings.source).datasets.values()
    declared = {dataset.name: dataset.expectations for dataset in datasets if dataset.expectations}
    newest = newest_evidence(place.schema(settings.target_schema) / "event_log", set(declared))
    return {str(declared[table]): evidence for table, evidence in newest.items()}
