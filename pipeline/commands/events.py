"""`events`: what the event log says, filtered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.text import Text

from pipeline.clock import SystemClock, parse_moment
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.errors import UnknownNameError, told_causes
from pipeline.event_log import Level
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.event_log import Event

_STYLES = {"ERROR": "bold red", "WARN": "yellow", "METRICS": "cyan"}

Levels = Annotated[list[str] | None, typer.Option("--level", help="INFO, WARN, ERROR or METRICS; again for more.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Such as flow_progress; again for more.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="A table; again for more.")]
Moment = Annotated[str | None, typer.Option(help="A time in ISO 8601, or -1h for an hour ago.")]


def events(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    level: Levels = None,
    event_type: Types = None,
    update: Annotated[str | None, typer.Option(help="An update's id, or how it begins.")] = None,
    table: Tables = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List the newest events that meet every condition given, oldest first."""
    from pipeline.record.event_filter import EventFilter  # noqa: PLC0415 - pulls in Arrow
    from pipeline.record.record import Record  # noqa: PLC0415

    now = SystemClock().now()
    wanted = EventFilter(
        levels=_levels(level or []),
        event_types=tuple(event_type or ()),
        update=update,
        tables=tuple(table or ()),
        since=_moment(since, now),
        until=_moment(until, now),
        limit=limit,
    )
    found = Record(Home.find(home), load_settings(pipeline).target_schema).events(wanted)
    if as_json:
        typer.echo(json.dumps([_facts(event) for event in found], indent=2, default=str))
        return
    console = open_console()
    for event in found:
        console.print(_lines(event), soft_wrap=True)
    if not found:
        typer.echo("No event meets these conditions.")


def _levels(given: list[str]) -> tuple[str, ...]:
    known = get_args(Level)
    for level in given:
        if level.upper() not in known:
            raise UnknownNameError("level", level, known, "--level")
    return tuple(level.upper() for level in given)


def _moment(text: str | None, now: datetime) -> datetime | None:
    return None if text is None else parse_moment(text, now)


def _facts(event: Event) -> dict[str, Any]:
    """Return an event as its row, with the details opened."""
    return {**event.row(), "timestamp": event.timestamp.isoformat(), "details": event.details}


def _lines(event: Event) -> Text:
    """Return a line for the event, and one for each error that lies behind it."""
    text = Text(f"{event.timestamp:%Y-%m-%d %H:%M:%S}.{event.timestamp.microsecond // 1000:03} ", "dim")
    text.append(f"{event.level:<8}", _STYLES.get(event.level, ""))
    text.append(f"{(event.origin.update_id or '')[:8]:<9}", "dim").append(f"{event.event_type:<19}", "dim")
    text.append(event.message)
    because = ""
    for cause in told_causes(event.error):
        said = "\n      ".join(line for line in cause["message"].splitlines() if line.strip())
        text.append(f"\n    {because}{cause['class_name']}: {said}", "red")
        because = "because of "
    return text
