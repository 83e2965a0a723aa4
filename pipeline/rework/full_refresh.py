"""A full refresh: tables are emptied and their flows begin anew, also after a kill in between."""

from __future__ import annotations

import uuid

from pipeline.delta.batch import Batch, Written
from pipeline.delta.merge import delete_all
from pipeline.flows.flow import Flow, Progress
from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.home.intents import IntentFile
from pipeline.rework.intents import FullRefreshIntent
from pipeline.rework.work import UpdateContext, Work


class FullRefresh(Work):
    """Empties tables and gives their flows a new identity.

    The intent is written first, and the next update finishes what a kill cuts short. Every deleted row is counted in
    the event log, including rows whose own event was lost in a kill.
    """

    def __init__(self, context: UpdateContext) -> None:
        super().__init__(context)
        places = self._lakehouse.home.schema(self._lakehouse.schema)
        self._intent = IntentFile(places.full_refresh_intent)

    def begin(self, names: set[str], *, accept_loss: bool) -> None:
        """Write the intent to empty some tables and fill them anew.

        Raises:
            AuthorError: A table is declared with `reset_allowed=False`.
            FilesGoneError: Files that a table was filled from are gone for good, and that was not accepted.
        """
        chosen = [flow for flow in self._flows.all if flow.node.name in names]
        for flow in chosen:
            flow.check_reset(accept_loss=accept_loss)
        if chosen:
            FullRefreshIntent(flows={flow.node.name: str(uuid.uuid4()) for flow in chosen}).write_to(self._intent)

    def finish(self) -> None:
        """Carry out a full refresh that was begun, by this update or by an earlier one that was cut short."""
        intent = FullRefreshIntent.begun_in(self._intent)
        if intent is None:
            return
        self._reporter.state("RESETTING")
        # Downstream first: then nothing reads a table that is about to be emptied.
        for flow in reversed(self._flows.all):
            if flow.node.name in intent.flows:
                self._reset(flow, intent.flows[flow.node.name], intent.id)
        self._intent.clear()

    def _reset(self, flow: Flow, flow_id: str, intent_id: str) -> None:
        batch = Batch(self._update_id, flow.node.name, intent_id, 0)
        emptied = {}
        for target in flow.targets:
            table = self._lakehouse.table(target)
            if table.is_readable:
                self._settle(flow, target, intent_id)
                delete_all(self._lakehouse.spark, table, batch)
            else:
                self._set_aside(target, intent_id)
            self._reporter.flush()
            # All rows in the event log count as deleted, including rows that a damaged table had lost before.
            emptied[target] = Written(deleted_rows=self._log.totals().rows[target])
            reach(FaultPoint.FULL_REFRESH)
        flow.begin_anew(flow_id)
        self._reporter.flow_reset(flow, batch, emptied)

    def _settle(self, flow: Flow, target: str, intent_id: str) -> None:
        """Emit the missing events of commits: after the reset their batches will not run again."""
        missing = []
        for batch, written in self._lakehouse.table(target).commits():
            if batch.flow_id == intent_id:
                continue
            if self._reporter.has_logged(batch, target):
                break
            missing.append((batch, written))
        for batch, written in reversed(missing):
            self._reporter.batch_done(flow, batch, Progress(0, {target: written}))

    def _set_aside(self, target: str, intent_id: str) -> None:
        """Move a table that cannot be read out of the way."""
        folder = self._lakehouse.table(target).path
        aside = self._lakehouse.places(target).damaged / intent_id
        if folder.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
