"""Restores event-log entries that a kill or a lost log has taken, from the tables' own commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.delta.errors import TABLE_ERRORS
from pipeline.flows.flow import Flow, Progress
from pipeline.home.intents import IntentFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.delta.batch import Batch, Written
    from pipeline.delta.table import Table
    from pipeline.rework.work import UpdateContext

# After this many logged commits in a row, older ones are taken as logged.
_ENOUGH_LOGGED = 20


def repair(context: UpdateContext) -> int:
    """Emit the missing events of commits that will not be repeated, and return how many.

    The counts come from the commits. What judging the rows had shown is not in them and stays missing. Batches that
    the checkpoint has not passed, and unfinished work, are left alone: their events are emitted when they are repeated.
    """
    home = context.lakehouse.home
    unfinished = {(IntentFile(path).read() or {}).get("id") for path in home.intents()}
    count = 0
    for flow in context.flows.all:
        for target in flow.targets if flow.position.exists else ():
            for batch, written in reversed(list(_missing(context, flow, target))):
                if batch.flow_id not in unfinished:
                    progress = Progress(0, {target: written}, facts={"repaired": True})
                    context.reporter.batch_done(flow, batch, progress)
                    count += 1
    if count:
        context.reporter.flush()
    return count


def _missing(context: UpdateContext, flow: Flow, target: str) -> Iterator[tuple[Batch, Written]]:
    """Yield a table's finished commits that have no event, newest first."""
    flow_id, done = flow.position.flow_id(), flow.position.done_batch()
    logged_ids = context.reporter.logged_ids()
    logged = 0
    for batch, written in _commits(context.lakehouse.table(target)):
        if context.reporter.event_id(batch, target) in logged_ids:
            logged += 1
            if logged == _ENOUGH_LOGGED:
                return
        else:
            logged = 0
            if batch.flow_id != flow_id or batch.batch_id <= done:
                yield batch, written


def _commits(table: Table) -> Iterator[tuple[Batch, Written]]:
    try:
        if table.exists:
            yield from table.commits()
    except (*TABLE_ERRORS, ValueError):
        # The table's own flow fails on it and reports that.
        return
