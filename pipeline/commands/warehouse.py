"""`warehouse`: the lakehouse's tables for SQL clients."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, PipelineOption, Target
from pipeline.foundation.shown import say

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 10000


def warehouse(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 listens on all.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = DEFAULT_PORT,
    check: Annotated[
        bool, typer.Option("--check", help="Query the running warehouse; exit with 0 if it answers, else with 1.")
    ] = False,
) -> None:
    """Serve the tables read-only over Spark's Thrift Server until Ctrl-C or SIGTERM."""
    target = Target.find(home, pipeline)
    if check:
        from pipeline.warehouse.hive import table_names  # noqa: PLC0415 - imports Thrift, which serving does not need

        found = table_names(host, port, target.settings.target_schema)
        say(f"The SQL warehouse answers: {len(found)} tables and views.")
        return
    from pipeline.warehouse.server import serve  # noqa: PLC0415 - imports Spark

    try:
        serve(target.home, target.settings, host, port, say)
    except KeyboardInterrupt:
        say("Stopped before it was ready.")
