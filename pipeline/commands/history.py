"""`history`: every update in the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pipeline.commands.output import count_of, print_json, print_table
from pipeline.commands.target import DEFAULT_PIPELINE, HomeOption, JsonOption, PipelineOption, Target
from pipeline.drawing.marks import lasted, mark_of
from pipeline.foundation.clock import SystemClock
from pipeline.foundation.shown import say

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.commands.output import Cell
    from pipeline.events.summary import Summary

NOTHING_YET = "No update has run yet. Start one with `python -m pipeline run`."
_HEADINGS = (
    "update", "cause", "state", "started (UTC)", "took", "in", "written", "dropped", "warned", "failures",
)  # fmt: skip


def history(
    home: HomeOption = None,
    pipeline: PipelineOption = DEFAULT_PIPELINE,
    limit: Annotated[int, typer.Option(min=1, help="How many updates to list.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List updates, newest first, with cause, state, duration, rows and failures."""
    updates = Target.find(home, pipeline).record().updates(limit)
    if as_json:
        print_json([update.record() for update in updates])
    elif updates:
        now = SystemClock().now()
        title = f"{count_of(len(updates), 'update')}, newest first"
        print_table(title, _HEADINGS, (_row(one, now) for one in updates), unbroken=("update", "cause", "state"))
    else:
        say(NOTHING_YET)


def _row(update: Summary, now: datetime) -> list[Cell]:
    mark = mark_of(update.state)
    # An update that failed before it reached a table has an error and no failed table.
    failures = update.failures or [error.splitlines()[0] for error in update.errors if error]
    return [
        update.update_id[:8],
        update.cause,
        Text(f"{mark.sign} {update.state}", mark.style),
        update.created_at,
        Text(lasted(update.duration(now)), justify="right"),
        *(update.rows_in, update.rows_written, update.rows_dropped, update.rows_warned),
        Text("\n".join(failures), "red"),
    ]
