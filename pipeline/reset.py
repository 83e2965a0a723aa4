"""A full refresh: tables emptied and flows begun anew, as one piece of work that survives a kill."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pipeline.batch import Batch, Written
from pipeline.errors import AuthorError
from pipeline.fault_points import FaultPoint, reach
from pipeline.flows.flow import Progress
from pipeline.flows.ingest import IngestFlow
from pipeline.intent import IntentFile
from pipeline.merge import delete_all

if TYPE_CHECKING:
    from pipeline.event_log import EventLog
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter


class FullRefresh:
    """Empties tables and gives their flows a new identity.

    What is to be done is written down first; the next update finishes what a kill cut short. Every row that is
    taken away is on record, also one whose own event a kill had swallowed.
    """

    def __init__(
        self, lakehouse: Lakehouse, flows: list[Flow], reporter: Reporter, log: EventLog, update_id: str
    ) -> None:
        self._lakehouse = lakehouse
        self._flows = flows
        self._reporter = reporter
        self._log = log
        self._update_id = update_id
        self._intent = IntentFile(lakehouse.home.state / "full_refresh" / lakehouse.schema / "intent.json")

    def begin(self, names: set[str], *, accept_loss: bool) -> None:
        """Write down that some tables begin anew.

        Raises:
            AuthorError: A table is declared so that it may not be emptied.
            FilesGoneError: Files that it was filled from are gone for good, and that was not accepted.
        """
        chosen = [flow for flow in self._flows if flow.node.name in names]
        for flow in chosen:
            for dataset in map(self._lakehouse.dataset, flow.targets):
                if not dataset.reset_allowed:
                    problem = f"{dataset.location}: `{dataset.name}` is declared with reset_allowed=False."
                    raise AuthorError(problem, "Leave it out of the full refresh, or allow the reset there.")
            if isinstance(flow, IngestFlow):
                flow.check_reset(accept_loss=accept_loss)
        if chosen:
            identities = {flow.node.name: str(uuid.uuid4()) for flow in chosen}
            self._intent.write({"id": str(uuid.uuid4()), "flows": identities})

    def finish(self) -> None:
        """Carry out what was begun, now or by an earlier update that was cut short."""
        intent = self._intent.read()
        if intent is None:
            return
        self._reporter.state("RESETTING")
        # Downstream first: what is emptied later is never read in between.
        for flow in reversed(self._flows):
            if flow.node.name in intent["flows"]:
                self._reset(flow, intent["flows"][flow.node.name], intent["id"])
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
            # What is on record for it is gone, also rows that a damaged table has lost already.
            emptied[target] = Written(deleted_rows=self._log.record().rows[target])
            reach(FaultPoint.FULL_REFRESH)
        flow.begin_anew(flow_id)
        self._reporter.flow_reset(flow, batch, emptied)

    def _settle(self, flow: Flow, target: str, intent_id: str) -> None:
        """Put commits on record whose event is missing: nobody will run their batches again."""
        missing = []
        for batch, written in self._lakehouse.table(target).commits():
            if batch.flow_id == intent_id:
                continue
            if self._reporter.has_told(batch, target):
                break
            missing.append((batch, written))
        for batch, written in reversed(missing):
            self._reporter.batch_done(flow, batch, Progress(0, {target: written}))

    def _set_aside(self, target: str, intent_id: str) -> None:
        """Move a table whose log is damaged out of the way."""
        folder = self._lakehouse.table(target).path
        aside = self._lakehouse.state("damaged", target) / intent_id
        if folder.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
