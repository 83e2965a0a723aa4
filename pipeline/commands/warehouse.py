"""`warehouse`: the lakehouse's tables for every SQL client."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, PipelineOption
from pipeline.home import Home
from pipeline.settings import load_settings

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 10000


def warehouse(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = DEFAULT_PORT,
    check: Annotated[
        bool, typer.Option("--check", help="Ask the running warehouse a query; exit 0 when it answers, else 1.")
    ] = False,
) -> None:
    """Serve the tables over Spark's Thrift Server, for reading alone, until Ctrl-C or SIGTERM."""
    settings = load_settings(pipeline)
    if check:
        from pipeline.warehouse.client import table_names  # noqa: PLC0415 - Thrift is not needed to serve

        found = table_names(host, port, settings.target_schema)
        typer.echo(f"The SQL warehouse answers: {len(found)} tables and views.")
        return
    place = Home.find(home)
    from pipeline.warehouse.server import serve  # noqa: PLC0415 - Spark's own imports take a second

    try:
        serve(place, settings, host, port, typer.echo)
    except KeyboardInterrupt:
        typer.echo("Stopped before it was ready.")
