"""`run`: one update, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.errors import AuthorError
from pipeline.home import Home
from pipeline.selection import Selection
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings

Tables = Annotated[list[str] | None, typer.Option(help="A table; give the option again for more.")]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Refresh in full although ingested files are gone for good.")
]
RetryFiles = Annotated[
    bool, typer.Option("--retry-files", help="Read set-aside files again although they have not changed.")
]
OnFileArrival = Annotated[
    bool, typer.Option("--on-file-arrival", help="Run an update whenever files have come, until stopped.")
]


def run(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    refresh: Tables = None,
    full_refresh: Tables = None,
    full_refresh_all: Annotated[bool, typer.Option(help="Empty every table first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before tables are emptied.")] = False,
    accept_loss: AcceptLoss = False,
    retry_files: RetryFiles = False,
    continuous: Annotated[bool, typer.Option("--continuous", help="Keep all tables up to date until stopped.")] = False,
    on_file_arrival: OnFileArrival = False,
    as_json: JsonOption = False,
) -> None:
    """Run one triggered update: only new files are read, each record goes through once."""
    settings = load_settings(pipeline)
    selection = Selection(
        tuple(refresh or ()),
        tuple(full_refresh or ()),
        full_refresh_all,
        accept_loss=accept_loss,
        retry_files=retry_files,
    )
    if (continuous or on_file_arrival) and (continuous == on_file_arrival or selection != Selection()):
        problem = "--continuous and --on-file-arrival go with no other choice of what is done."
        raise AuthorError(problem, "Give one of them alone.")
    place = Home.find(home)
    place.make_writable()
    if (full_refresh or full_refresh_all) and not yes:
        _ask(full_refresh or [])
    from pipeline.commands.modes import Modes  # noqa: PLC0415 - Spark's own imports take a second

    modes = Modes(place, settings, as_json=as_json)
    if on_file_arrival:
        modes.on_file_arrival()
    elif continuous or (settings.mode == "continuous" and selection == Selection()):
        modes.continuously()
    else:
        modes.once(selection)


def perform(place: Home, settings: Settings, selection: Selection, *, as_json: bool) -> None:
    """Run one update, show it, and end the command with its code."""
    from pipeline.commands.modes import Modes  # noqa: PLC0415 - Spark's own imports take a second

    Modes(place, settings, as_json=as_json).once(selection)


def _ask(tables: list[str]) -> None:
    what = f"{', '.join(tables)} and everything downstream" if tables else "every table"
    typer.confirm(f"A full refresh empties {what} and reads the source again. Go on?", abort=True)
