"""`python -m demo`: the acts, one by one or all in a row."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from demo.acts import act1, act2, act3
from demo.monitoring import act4
from demo.recap import act5
from demo.stack import open_stage
from pipeline.commands.target import HomeOption  # noqa: TC001 - typer reads the annotation
from pipeline.foundation.command_line import run_command
from pipeline.foundation.shown import say
from pipeline.home.places import Home

if TYPE_CHECKING:
    from demo.stage import Stage

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The demo, act by act."
)
_ACTS = {"act1": act1, "act2": act2, "act3": act3, "act4": act4, "act5": act5}


def _play(names: list[str], home: HomeOption) -> Stage:
    stage = open_stage(Home.find(home))
    try:
        for name in names:
            _ACTS[name](stage)
    finally:
        stage.judge.close()
    return stage


def _command(name: str) -> None:
    def play(home: HomeOption = None) -> None:
        _play([name], home)

    app.command(name, help=_ACTS[name].__doc__)(play)


for _name in _ACTS:
    _command(_name)


@app.command("all")
def play_all(home: HomeOption = None) -> None:
    """Play all acts in a row in one Spark session."""
    stage = _play(list(_ACTS), home)
    stage.say(f"\n[green]The demo is over: {stage.points} points shown.[/] Where to look next:")
    stage.say(f"  the tables    {stage.home.schema(stage.settings.target_schema).data}")
    stage.say(f"  the files     {stage.python} -m pipeline files")
    stage.say("  the code      pipeline/smart_factory.py")
    stage.say("  start over    make reset")


@app.command()
def reset(home: HomeOption = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete the lakehouse: landing files, tables and state."""
    from pipeline.settings import load_settings  # noqa: PLC0415

    place = Home.find(home)
    parts = [place.landing, place.schema(load_settings().target_schema).data, place.state]
    there = [part for part in parts if part.exists()]
    if not there:
        say(f"There is no lakehouse in {place.root}.")
        return
    if not yes:
        typer.confirm(f"Delete landing files, tables and state in {place.root}?", abort=True)
    from pipeline.foundation.clock import SystemClock  # noqa: PLC0415
    from pipeline.home.lock import exclusive  # noqa: PLC0415

    with exclusive(place, SystemClock(), "reset"):
        for part in there:
            if part != place.state:
                shutil.rmtree(part)
        for part in place.state.iterdir():
            if part != place.lock.parent:
                shutil.rmtree(part, ignore_errors=True)
    say(f"Deleted the lakehouse in {place.root}.")


if __name__ == "__main__":
    sys.exit(run_command(app, "python -m demo"))
