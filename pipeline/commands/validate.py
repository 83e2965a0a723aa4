"""`validate`: every table judged as a whole, now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.event_log import Event

_VERDICTS = {(1, 0): "passed", (0, 1): "FAILED"}


def validate(home: HomeOption = None, pipeline: PipelineOption = DEFAULT_PIPELINE, as_json: JsonOption = False) -> None:
    """Judge every table's table expectations with Great Expectations; nothing is refreshed."""
    settings = load_settings(pipeline)
    place = Home.find(home)
    from pipeline.selection import Selection  # noqa: PLC0415 - Spark's own imports take a second
    from pipeline.session import build_session  # noqa: PLC0415
    from pipeline.update import Update  # noqa: PLC0415

    update = Update(place, settings, SystemClock(), lambda: build_session(place, settings.spark), cause="USER_ACTION")
    judged: list[dict[str, Any]] = []
    update.log.listen(lambda event: judged.extend(_verdicts(event)))
    result = update.run(Selection(validate=True))
    if as_json:
        typer.echo(json.dumps({"update_id": result.update_id, "state": result.state, "expectations": judged}, indent=2))
    else:
        open_console().print(_table(judged))
    if result.state != "COMPLETED":
        for error in result.errors.values():
            typer.echo(str(error), err=True)
        raise typer.Exit(130 if result.state == "CANCELED" else 1)


def _verdicts(event: Event) -> list[dict[str, Any]]:
    items = event.details.get("data_quality", {}).get("expectations", ())
    return [
        {
            "table": item["dataset"],
            "name": item["name"],
            "action": item["action"],
            "verdict": _VERDICTS.get((item["passed_records"], item["failed_records"]), "unknown"),
            "observed": item["problem"] or item["observed_value"],
        }
        for item in items
        if item.get("scope") == "table"
    ]


def _table(judged: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(judged)} table expectations", title_justify="left", header_style="bold")
    for heading in ("table", "expectation", "action", "verdict", "observed"):
        table.add_column(heading, overflow="fold")
    for item in judged:
        table.add_row(*(item[key] for key in ("table", "name", "action", "verdict", "observed")))
    return table
