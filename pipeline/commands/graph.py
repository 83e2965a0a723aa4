"""`graph`: an update's graph, drawn from the event log alone."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - the command line's options are read from the types
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.clock import SystemClock
from pipeline.commands.history import NOTHING_YET
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.errors import EnvironmentFaultError
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.summary import Summary


class Format(StrEnum):
    """How the graph is written."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"
    SVG = "svg"


def graph(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    update: Annotated[str | None, typer.Option(help="An update's id, or how it begins; else the newest.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TEXT,
    as_json: JsonOption = False,
    output: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
) -> None:
    """Draw an update's graph with states, counts and expectations, as the event log has it."""
    from pipeline.record.record import Record  # noqa: PLC0415 - pulls in Arrow

    summary = Record(Home.find(home), load_settings(pipeline).target_schema).update(update)
    if summary is None:
        typer.echo(NOTHING_YET, err=True)
        raise typer.Exit(1)
    now = SystemClock().now()
    form = Format.JSON if as_json else form
    if output is None and form is Format.TEXT:
        from pipeline.drawing.terminal import TerminalGraph  # noqa: PLC0415

        open_console().print(TerminalGraph(summary, now))
    elif output is None:
        typer.echo(_drawn(summary, form, now))
    else:
        _write(output, _drawn(summary, form, now))


def _drawn(summary: Summary, form: Format, now: datetime) -> str:
    from pipeline.drawing.diagram import diagram_facts  # noqa: PLC0415 - only what is asked for
    from pipeline.drawing.mermaid import mermaid  # noqa: PLC0415
    from pipeline.drawing.svg import svg  # noqa: PLC0415
    from pipeline.drawing.terminal import plain_text  # noqa: PLC0415

    if form is Format.JSON:
        return json.dumps(diagram_facts(summary), indent=2)
    if form is Format.MERMAID:
        return mermaid(summary)
    return svg(summary, now) if form is Format.SVG else plain_text(summary, now)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        problem = f"{file} cannot be written: {error.strerror}."
        raise EnvironmentFaultError(problem, "Name another file with --output.") from error
    typer.echo(f"Written to {file}.")
