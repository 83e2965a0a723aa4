"""`dry-run`: everything that can be checked without writing a row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, PipelineOption
from pipeline.home import Home
from pipeline.settings import load_settings


def dry_run(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE) -> None:
    """Check settings, declarations, inputs, columns and suites; name file and line of what is wrong."""
    settings = load_settings(pipeline)
    from pipeline.catalog import open_lakehouse  # noqa: PLC0415 - Spark's own imports take a second
    from pipeline.session import build_session  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="smart-factory-dry-run-") as scratch:
        spark = build_session(Home(Path(scratch)), settings.spark)
        lakehouse = open_lakehouse(spark, Home.find(home), settings, SystemClock())
        table = Table(title=f"{settings.name}: ready to run", title_justify="left", header_style="bold")
        for heading in ("table", "kind", "reads", "rules", "judged on the whole table"):
            table.add_column(heading)
        for node in lakehouse.graph.nodes.values():
            suite = lakehouse.suites.get(node.name)
            reads = ([f"landing/{node.files.path}"] if node.files else []) + node.inputs
            table.add_row(
                node.name,
                node.dataset.kind.replace("_", " "),
                ", ".join(reads),
                ", ".join(rule.name for rule in suite.rules) if suite else "",
                ", ".join(suite.table_expectations) if suite else "",
            )
        Console().print(table)
        spark.stop()
    typer.echo("Nothing was written.")
