"""`run`: one update."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.home import Home
from pipeline.selection import Selection
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.result import UpdateResult
    from pipeline.settings import Settings
    from pipeline.summary import Summary

Tables = Annotated[list[str] | None, typer.Option(help="A table; give the option again for more.")]


def run(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    refresh: Tables = None,
    full_refresh: Tables = None,
    full_refresh_all: Annotated[bool, typer.Option(help="Empty every table first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before tables are emptied.")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Refresh in full although ingested files are gone for good.")
    ] = False,
    retry_files: Annotated[
        bool, typer.Option("--retry-files", help="Read set-aside files again although they have not changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run one triggered update: only new files are read, each record goes through once."""
    settings = load_settings(pipeline)
    place = Home.find(home)
    place.make_writable()
    if (full_refresh or full_refresh_all) and not yes:
        _ask(full_refresh or [])
    selection = Selection(
        tuple(refresh or ()),
        tuple(full_refresh or ()),
        full_refresh_all,
        accept_loss=accept_loss,
        retry_files=retry_files,
    )
    perform(place, settings, selection, as_json=as_json)


def perform(place: Home, settings: Settings, selection: Selection, *, as_json: bool) -> None:
    """Run one update, show it, and end the command with its code."""
    from pipeline.live import watching  # noqa: PLC0415 - Spark's own imports take a second
    from pipeline.session import build_session  # noqa: PLC0415
    from pipeline.update import Update  # noqa: PLC0415

    update = Update(place, settings, SystemClock(), lambda: build_session(place, settings.spark), cause="USER_ACTION")
    with watching(update.log, quiet=as_json) as summary:
        result = update.run(selection)
    if as_json:
        typer.echo(json.dumps(_facts(result, summary), indent=2))
    if result.state != "COMPLETED":
        for table, error in result.errors.items():
            typer.echo(f"{table}: {error}", err=True)
        raise typer.Exit(130 if result.state == "CANCELED" else 1)


def _ask(tables: list[str]) -> None:
    what = f"{', '.join(tables)} and everything downstream" if tables else "every table"
    typer.confirm(f"A full refresh empties {what} and reads the source again. Go on?", abort=True)


def _facts(result: UpdateResult, summary: Summary) -> dict[str, object]:
    return {
        "update_id": result.update_id,
        "state": result.state,
        "tables": {name: {**summary.facts(name), "status": status} for name, status in result.statuses.items()},
        "errors": {name: str(error) for name, error in result.errors.items()},
    }
