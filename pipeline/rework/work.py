"""What the parts of one update share, and work on rows that are stored already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.delta.batch import Batch
from pipeline.flows.flow import Flow, Progress
from pipeline.foundation.errors import AuthorError, LakehouseError
from pipeline.foundation.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.events.log import EventLog
    from pipeline.flows.flows import Flows
    from pipeline.flows.open import Lakehouse
    from pipeline.report.reporter import Reporter
    from pipeline.rework.intents import Intent


class FlowRunner(Protocol):
    """Runs flows, one at a time."""

    def run(self, flow: Flow) -> None:
        """Have a flow read everything that is there now.

        Raises:
            LakehouseError: The flow failed.
            KeyboardInterrupt: The update was stopped.
        """
        ...


@dataclass(frozen=True)
class UpdateContext:
    """What the parts of one update share.

    Attributes:
        update_id: The update.
        lakehouse: Its pipeline, opened.
        flows: The pipeline's flows.
        runner: Runs one of them.
        reporter: Turns what happens into events.
        log: Takes the events.
    """

    update_id: str
    lakehouse: Lakehouse
    flows: Flows
    runner: FlowRunner
    reporter: Reporter
    log: EventLog


class Work:
    """A part of an update that changes stored rows; the next update finishes what a kill cuts short."""

    def __init__(self, context: UpdateContext) -> None:
        self._lakehouse = context.lakehouse
        self._flows = context.flows
        self._runner = context.runner
        self._reporter = context.reporter
        self._log = context.log
        self._update_id = context.update_id

    def _put_in_place(
        self,
        flow: Flow,
        outdated: DataFrame | None,
        intent: Intent,
        put_in: Callable[[Batch], Progress],
        first: int = 0,
    ) -> LakehouseError | None:
        """Take records out of a table and of all tables downstream, and put them in again.

        Args:
            flow: The table's.
            outdated: Rows of the records that are taken out, or None where there is nothing to take out.
            intent: The key of all commits.
            put_in: Writes the records anew, as a batch.
            first: The number of the intent's batch that takes records out; the next one puts them in.

        Returns:
            What stopped a flow downstream, or None.
        """
        downstream = self._flows.downstream(set(flow.targets))
        if outdated is not None:
            for other in [*reversed(downstream), flow]:
                gone = self._batch(other, intent, first)
                self._reporter.batch_done(other, gone, Progress(0, other.take_out(outdated, gone)))
        reach(FaultPoint.REPROCESS)
        batch = self._batch(flow, intent, first + 1)
        self._reporter.batch_done(flow, batch, put_in(batch))
        failure = None
        for other in downstream:
            try:
                self._runner.run(other)
            except LakehouseError as error:
                failure = failure or error
            again = self._batch(other, intent, first + 1)
            self._reporter.batch_done(other, again, other.recompute(again))
        return failure

    def _batch(self, flow: Flow, intent: Intent, number: int) -> Batch:
        return Batch(self._update_id, flow.node.name, intent.id, number)

    def _inseparable(self, flow: Flow) -> list[str]:
        """Return the tables from which single records cannot be taken out."""
        graph, targets = self._lakehouse.graph, set(flow.targets)
        # A state holds rows of streams; in tables that are read whole they are looked up.
        readers = [
            other
            for other in self._flows.downstream(targets)
            if not self._lakehouse.has_state(other.node.name) or targets & graph.streamed_by(other.node.name)
        ]
        return [name for each in (flow, *readers) for name in each.tables_without_record_id()]

    def _check_separable(self, flow: Flow, what: str) -> None:
        """Check that records can be taken out of a table and of all tables downstream.

        Raises:
            AuthorError: A table has no `record_id`.
        """
        for name in self._inseparable(flow)[:1]:
            dataset = self._lakehouse.dataset(name)
            problem = f"{dataset.location}: `{dataset.name}` has no record_id, so the rows of a {what} cannot be found."
            if self._lakehouse.has_state(name):
                problem = f"{dataset.location}: `{dataset.name}` keeps state, which cannot forget the rows of a {what}."
            raise AuthorError(problem, f"Run `python -m pipeline run --full-refresh {flow.node.name}` instead.")
