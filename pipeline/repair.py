"""What a killed update, or a log that was lost, has left unsaid: told again from the tables' own commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deltalake.exceptions import DeltaError

from pipeline.flows.flow import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.batch import Batch, Written
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter
    from pipeline.tables import Table

# So many commits in a row that are on record, and older ones are not looked at.
_ENOUGH_ON_RECORD = 20
_INTENTS = ("replay/*/*/intent.json", "reprocess/*/*/intent.json", "full_refresh/*/intent.json")


def repair(lakehouse: Lakehouse, flows: list[Flow], reporter: Reporter) -> int:
    """Tell of commits that are not on record and that nobody will run again, and return how many.

    The rows come from the commits; what judging them had shown is not in them and stays unsaid. Batches that the
    checkpoint has not passed, and work that is still to be finished, are left to those who run them again.
    """
    told = reporter.told()
    unfinished = {
        str(json.loads(file.read_text(encoding="utf-8")).get("id"))
        for pattern in _INTENTS
        for file in lakehouse.home.state.glob(pattern)
    }
    count = 0
    for flow in flows:
        if not flow.position.exists:
            continue
        current, done = flow.position.flow_id(), flow.position.done_batch()
        for target in flow.targets:
            unsaid = [
                (batch, written)
                for batch, written in _unsaid(lakehouse, reporter, target, told)
                if batch.flow_id not in unfinished and (batch.flow_id != current or batch.batch_id <= done)
            ]
            for batch, written in reversed(unsaid):
                reporter.batch_done(flow, batch, Progress(0, {target: written}, facts={"repaired": True}))
                count += 1
    if count:
        reporter.flush()
    return count


def _commits(table: Table) -> Iterator[tuple[Batch, Written]]:
    try:
        if table.exists:
            yield from table.commits()
    except (OSError, DeltaError, ValueError):
        # Its own flow fails on it and says so; the others go on.
        return


def _unsaid(lakehouse: Lakehouse, reporter: Reporter, target: str, told: frozenset[str]) -> list[tuple[Batch, Written]]:
    """Return a table's commits that are not on record, newest first; none where the table cannot be read."""
    table = lakehouse.table(target)
    unsaid: list[tuple[Batch, Written]] = []
    on_record = 0
    for batch, written in _commits(table):
        if reporter.event_id(batch, target) in told:
            on_record += 1
            if on_record == _ENOUGH_ON_RECORD:
                break
        else:
            on_record = 0
            unsaid.append((batch, written))
    return unsaid
