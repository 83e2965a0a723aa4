"""`history`: every update on record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from pipeline.clock import SystemClock
from pipeline.commands.options import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption
from pipeline.console import open_console
from pipeline.drawing.marks import lasted, mark_of
from pipeline.home import Home
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.summary import Summary

NOTHING_YET = "No update is on record yet; `python -m pipeline run` runs one."


def history(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List updates, newest first, with cause, state, duration, rows and failures."""
    from pipeline.record.record import Record  # noqa: PLC0415 - pulls in Arrow

    updates = Record(Home.find(home), load_settings(pipeline).target_schema).updates(limit)
    if as_json:
        typer.echo(json.dumps([update.record() for update in updates], indent=2))
    elif updates:
        open_console().print(_table(updates, SystemClock().now()))
    else:
        typer.echo(NOTHING_YET)


def _table(updates: list[Summary], now: datetime) -> Table:
    table = Table(title=f"{len(updates)} updates, newest first", title_justify="left", header_style="bold")
    for heading in ("update", "cause", "state", "started (UTC)"):
        table.add_column(heading, no_wrap=True)
    for heading in ("took", "in", "written", "dropped", "warned"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("failures", overflow="fold")
    for update in updates:
        mark = mark_of(update.state)
        table.add_row(
            update.update_id[:8],
            update.cause,
            Text(f"{mark.sign} {update.state}", mark.style),
            f"{update.created_at:%Y-%m-%d %H:%M:%S}" if update.created_at else "",
            lasted(update.duration(now)),
            *(f"{count:,}" for count in (update.rows_in, update.rows_written, update.rows_dropped, update.rows_warned)),
            Text("\n".join(_failures(update)), "red"),
        )
    return table


def _failures(update: Summary) -> list[str]:
    """Return the tables that failed; what stopped the update where it came to no table."""
    return update.failures or [error.splitlines()[0] for error in update.errors if error]
