"""`python -m demo`: the acts, one by one or all in a row."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from demo.acts import act1, act2, act3
from demo.monitoring import act4
from demo.recap import act5
from demo.stack import StackStage, plays_on_a_stack
from demo.stage import Stage
from pipeline.commands.entry import run_command
from pipeline.commands.options import HomeOption  # noqa: TC001 - typer reads the annotation
from pipeline.home import Home

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The demo, act by act."
)
_ACTS = {"act1": act1, "act2": act2, "act3": act3, "act4": act4, "act5": act5}


def _play(names: list[str], home: HomeOption) -> Stage:
    place = Home.find(home)
    place.make_writable()
    stage = StackStage(place) if plays_on_a_stack() else Stage(place)
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
    """Play all acts in a row with one Spark session, and check what each shows."""
    stage = _play(list(_ACTS), home)
    stage.say(f"\n[green]The demo is done: {stage.points} points shown.[/] Where to look next:")
    stage.say(f"  the tables    {stage.home.schema(stage.settings.target_schema)}")
    stage.say(f"  the files     {stage.python} -m pipeline files")
    stage.say("  the code      pipeline/smart_factory.py, one file to read")
    stage.say("  begin anew    make reset")


@app.command()
def reset(home: HomeOption = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete the lakehouse: landing files, tables and state."""
    place = Home.find(home)
    parts = [place.landing, place.schema("smart_factory"), place.state]
    there = [part for part in parts if part.exists()]
    if not there:
        typer.echo(f"There is no lakehouse in {place.root}.")
        return
    if not yes:
        typer.confirm(f"Delete landing files, tables and state in {place.root}?", abort=True)
    from pipeline.clock import SystemClock  # noqa: PLC0415
    from pipeline.lock import exclusive  # noqa: PLC0415

    with exclusive(place, SystemClock(), "reset"):
        for part in there:
            if part != place.state:
                shutil.rmtree(part)
        for part in place.state.iterdir():
            if part != place.lock.parent:
                shutil.rmtree(part, ignore_errors=True)
    typer.echo(f"Deleted the lakehouse in {place.root}.")


if __name__ == "__main__":
    sys.exit(run_command(app, "python -m demo"))
