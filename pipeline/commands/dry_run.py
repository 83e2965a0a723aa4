"""`dry-run`: everything that can be checked without writing a row."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.flows.flow import Lakehouse


def dry_run(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """Check settings, declarations, inputs, columns and suites; name file and line of what is wrong."""
    settings = load_settings(pipeline)
    from pipeline.catalog import open_lakehouse  # noqa: PLC0415 - Spark's own imports take a second
    from pipeline.session import build_session  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="smart-factory-dry-run-") as scratch:
        spark = build_session(Home(Path(scratch)), settings.spark)
        found = _facts(open_lakehouse(spark, Home.find(home), settings, SystemClock()))
        spark.stop()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    open_console().print(_table(settings.name, found))
    typer.echo("Nothing was written.")


def _facts(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    facts = []
    for node in lakehouse.graph.nodes.values():
        suite = lakehouse.suites.get(node.name)
        facts.append({
            "name": node.name,
            "kind": node.dataset.kind,
            "location": str(node.dataset.location),
            "reads": ([f"landing/{node.files.path}"] if node.files else []) + node.inputs,
            "columns": node.schema.columns if node.schema is not None else [],
            "rules": {rule.name: rule.action for rule in suite.rules} if suite else {},
            "table_expectations": {item.name: item.action for item in suite.table_expectations} if suite else {},
        })  # fmt: skip
    return facts


def _table(pipeline: str, facts: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{pipeline}: ready to run", title_justify="left", header_style="bold")
    for heading in ("table", "kind", "reads", "rules", "judged on the whole table"):
        table.add_column(heading, overflow="fold")
    for fact in facts:
        table.add_row(
            fact["name"],
            fact["kind"].replace("_", " "),
            ", ".join(fact["reads"]),
            ", ".join(fact["rules"]),
            ", ".join(fact["table_expectations"]),
        )
    return table
