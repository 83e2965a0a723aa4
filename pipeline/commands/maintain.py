"""`maintain`: tables kept small and quick."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from pipeline.clock import SystemClock, parse_duration
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.home import Home
from pipeline.settings import load_settings


def maintain(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    retention: Annotated[str, typer.Option(help="How long replaced files are kept; 7d at least.")] = "7d",
    as_json: JsonOption = False,
) -> None:
    """Join small files and delete those that no version of the last days needs; no row changes."""
    from pipeline import maintenance  # noqa: PLC0415 - pulls in Arrow

    place, settings = Home.find(home), load_settings(pipeline)
    place.make_writable()
    done = maintenance.maintain(place, settings, SystemClock(), parse_duration(retention))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done], indent=2))
    else:
        table = Table(title="Maintenance", title_justify="left", header_style="bold")
        table.add_column("table", overflow="fold")
        for heading in ("files joined", "into", "files deleted"):
            table.add_column(heading, justify="right")
        table.add_column("remarks", overflow="fold")
        for one in done:
            numbers = (f"{number:,}" for number in (one.removed_files, one.added_files, one.deleted_files))
            table.add_row(one.table, *numbers, one.error or "")
        open_console().print(table)
    if any(one.error for one in done):
        raise typer.Exit(1)
