"""All commands of `python -m pipeline` under one roof."""

from __future__ import annotations

import typer

from pipeline.commands.data_docs import data_docs
from pipeline.commands.dry_run import dry_run
from pipeline.commands.events import events
from pipeline.commands.files import files
from pipeline.commands.graph import graph
from pipeline.commands.history import history
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
    help="Smart Factory lakehouse: from landing files to gold tables.",
)
app.command()(run)
app.command("dry-run")(dry_run)
app.command()(graph)
app.command()(events)
app.command()(history)
app.command()(files)
app.add_typer(quarantine, name="quarantine")
app.command()(validate)
app.add_typer(schema_app, name="schema")
app.command()(reprocess)
app.command("data-docs")(data_docs)
app.command()(maintain)
app.command()(warehouse)
app.command()(page)
