"""`graph`: an update's graph, drawn from the event log."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - the command line's options are read from the types
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.commands.history import NOTHING_YET
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target
from pipeline.drawing.terminal import TerminalGraph, open_console, plain_text
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.foundation.shown import say

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.events.summary import Summary


Format = Literal["text", "json", "mermaid"]


def graph(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    update: Annotated[
        str | None, typer.Option(help="An update's id, or its first characters; else the newest.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="The output format.")] = "text",
    as_json: JsonOption = False,
    output: Annotated[Path | None, typer.Option(help="Write the graph to this file.")] = None,
) -> None:
    """Draw an update's graph with states, counts and expectations."""
    summary = Target.find(home, pipeline).record().update(update)
    if summary is None:
        say(NOTHING_YET, err=True)
        raise typer.Exit(1)
    now = SystemClock().now()
    form = "json" if as_json else form
    if output is None and form == "text":
        open_console().print(TerminalGraph(summary, now))
    elif output is None:
        say(_drawn(summary, form, now))
    else:
        _write(output, _drawn(summary, form, now))


def _drawn(summary: Summary, form: Format, now: datetime) -> str:
    from pipeline.drawing.diagram import diagram_facts  # noqa: PLC0415 - only the chosen format
    from pipeline.drawing.mermaid import mermaid  # noqa: PLC0415

    if form == "json":
        return json.dumps(diagram_facts(summary), indent=2)
    if form == "mermaid":
        return mermaid(summary)
    return plain_text(summary, now)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        problem = f"{file} cannot be written: {error.strerror}."
        raise EnvironmentFaultError(problem, "Name another file with --output.") from error
    say(f"Wrote {file}.")
