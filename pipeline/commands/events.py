"""`events`: the event log, filtered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, get_args

import typer
from rich.text import Text

from pipeline.commands.output import print_json
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target, moment
from pipeline.drawing.terminal import open_console
from pipeline.events.event import Event, Level
from pipeline.foundation.errors import UnknownNameError, causes_of
from pipeline.foundation.shown import say

_STYLES = {"ERROR": "bold red", "WARN": "yellow", "METRICS": "cyan"}

Levels = Annotated[list[str] | None, typer.Option("--level", help="INFO, WARN, ERROR or METRICS; repeat for several.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="An event type, as flow_progress; repeat for several.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="A table; repeat for several.")]
Moment = Annotated[
    datetime | None, typer.Option(parser=moment, help="A time in ISO 8601, or a duration before now such as -1h.")
]


def events(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    level: Levels = None,
    event_type: Types = None,
    update: Annotated[str | None, typer.Option(help="An update's id, or its first characters.")] = None,
    table: Tables = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, help="How many events to list.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List the newest events that match every filter, oldest first."""
    from pipeline.events.stored_log import EventFilter  # noqa: PLC0415 - imports Arrow

    wanted = EventFilter(
        levels=tuple(map(_level, level or ())),
        event_types=tuple(event_type or ()),
        update=update,
        tables=tuple(table or ()),
        since=since,
        until=until,
        limit=limit,
    )
    found = Target.find(home, pipeline).record().events(wanted)
    if as_json:
        print_json([_facts(event) for event in found])
        return
    console = open_console()
    for event in found:
        console.print(_lines(event), soft_wrap=True)
    if not found:
        say("No event matches.")


def _level(given: str) -> str:
    known = get_args(Level)
    if given.upper() not in known:
        raise UnknownNameError("level", given, known, "--level")
    return given.upper()


def _facts(event: Event) -> dict[str, Any]:
    """Return an event as its row in the log, with the details as an object."""
    return {**event.row(), "timestamp": event.timestamp.isoformat(), "details": event.details}


def _lines(event: Event) -> Text:
    """Return a line for the event, and one for its error and each cause of it."""
    text = Text(f"{event.timestamp:%Y-%m-%d %H:%M:%S}.{event.timestamp.microsecond // 1000:03} ", "dim")
    text.append(f"{event.level:<8}", _STYLES.get(event.level, ""))
    text.append(f"{(event.origin.update_id or '')[:8]:<9}", "dim").append(f"{event.event_type:<19}", "dim")
    text.append(event.message)
    because = ""
    for cause in causes_of(event.error):
        message = "\n      ".join(line for line in cause["message"].splitlines() if line.strip())
        text.append(f"\n    {because}{cause['class_name']}: {message}", "red")
        because = "caused by "
    return text
