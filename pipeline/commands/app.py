"""All commands of `python -m pipeline`."""

from __future__ import annotations

import typer

from pipeline.commands.adopt import adopt
from pipeline.commands.cluster import cluster
from pipeline.commands.data_docs import data_docs
from pipeline.commands.dry_run import dry_run
from pipeline.commands.events import events
from pipeline.commands.files import files
from pipeline.commands.graph import graph
from pipeline.commands.history import history
from pipeline.commands.init import init
from pipeline.commands.maintain import maintain
from pipeline.commands.page import page
from pipeline.commands.quarantine import quarantine
from pipeline.commands.reprocess import reprocess
from pipeline.commands.run import run
from pipeline.commands.schema import schema_app
from pipeline.commands.validate import validate
from pipeline.commands.warehouse import warehouse

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a lakehouse pipeline, from landing files to gold tables, and look into it.",
)
for command in (
    run, dry_run, graph, events, history, files, validate, reprocess, data_docs, maintain, warehouse, page, adopt, init
):  # fmt: skip
    app.command()(command)
app.add_typer(quarantine, name="quarantine")
app.add_typer(schema_app, name="schema")
app.add_typer(cluster, name="cluster")
