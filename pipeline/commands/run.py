"""`run`: one update, or one after another."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target, YesOption
from pipeline.foundation.errors import AuthorError
from pipeline.selection import Selection

Refresh = Annotated[list[str] | None, typer.Option(help="Refresh only this table and its inputs; repeat for several.")]
FullRefresh = Annotated[
    list[str] | None,
    typer.Option(help="Empty this table and everything downstream, then read the source again; repeat for several."),
]
FullRefreshAll = Annotated[bool, typer.Option(help="Empty every table, then read the source again.")]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Allow a full refresh although ingested files no longer exist.")
]
RetryFiles = Annotated[
    bool, typer.Option("--retry-files", help="Read files that were set aside again, even if they have not changed.")
]
Continuous = Annotated[bool, typer.Option("--continuous", help="Keep all tables up to date until stopped.")]
OnFileArrival = Annotated[
    bool, typer.Option("--on-file-arrival", help="Run an update whenever files have arrived, until stopped.")
]


def run(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    refresh: Refresh = None,
    full_refresh: FullRefresh = None,
    full_refresh_all: FullRefreshAll = False,
    yes: YesOption = False,
    accept_loss: AcceptLoss = False,
    retry_files: RetryFiles = False,
    continuous: Continuous = False,
    on_file_arrival: OnFileArrival = False,
    as_json: JsonOption = False,
) -> None:
    """Run one triggered update: it reads only new files, and each record exactly once."""
    target = Target.find(home, pipeline)
    selection = Selection(
        tuple(refresh or ()),
        tuple(full_refresh or ()),
        full_refresh_all,
        accept_loss=accept_loss,
        retry_files=retry_files,
    )
    if (continuous or on_file_arrival) and (continuous == on_file_arrival or selection != Selection()):
        problem = "--continuous and --on-file-arrival cannot be combined with each other or with other modes."
        raise AuthorError(problem, "Give only one of them.")
    target.home.make_writable()
    if (full_refresh or full_refresh_all) and not yes:
        _confirm(full_refresh or [])
    from pipeline.commands.modes import Modes  # noqa: PLC0415 - imports Spark

    modes = Modes(target, as_json=as_json)
    if on_file_arrival:
        modes.on_file_arrival()
    elif continuous or (target.settings.mode == "continuous" and selection == Selection()):
        modes.continuously()
    else:
        modes.once(selection)


def _confirm(tables: list[str]) -> None:
    what = f"{', '.join(tables)} and everything downstream" if tables else "every table"
    typer.confirm(f"A full refresh empties {what} and reads the source again. Continue?", abort=True)
