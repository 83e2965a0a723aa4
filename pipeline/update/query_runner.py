"""The queries of flows, and the only place that starts them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyspark.errors import StreamingQueryException

from pipeline.delta.batch import Batch
from pipeline.spark.executor_times import ExecutorTimes
from pipeline.spark.faults import columns_changed, readable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming.query import StreamingQuery

    from pipeline.events.log import EventLog, Totals
    from pipeline.flows.flow import Flow
    from pipeline.report.reporter import Reporter


@dataclass
class FlowQuery:
    """A query of Structured Streaming; its batches are written before their flow's position moves.

    Attributes:
        flow: The flow.
        times: How long Spark's tasks have run for the query.
        reporter: Logs what each batch did.
        update_id: The update.
        stopped: Set when the update was stopped.
        query: Spark's query, once it is started.
        batch_failure: What stopped a batch, or None.
    """

    flow: Flow
    times: ExecutorTimes
    reporter: Reporter
    update_id: str
    stopped: threading.Event
    query: StreamingQuery = field(init=False)
    batch_failure: BaseException | None = None

    def carry(self, rows: DataFrame, batch_id: int) -> None:
        """Write a batch to the flow's tables and to the event log; Spark calls this with each batch.

        Raises:
            InterruptedError: The update was stopped before the batch began.
        """
        if self.stopped.is_set():
            raise InterruptedError
        try:
            batch = Batch(self.update_id, self.flow.node.name, self.flow.position.flow_id(), batch_id)
            progress = self.flow.process(rows, batch)
            facts = {**progress.facts, **self.flow.backlog(batch_id), **self.times.since_last()}
            self.reporter.batch_done(self.flow, batch, replace(progress, facts=facts))
            # The position moves when this returns, so the events have to be in the log before.
            self.reporter.flush()
        except BaseException as error:
            self.batch_failure = error
            if isinstance(error, Exception):
                raise
            # Any other would never reach the JVM, which would wait for an answer; a library's panic is one.
            raise RuntimeError(repr(error)) from error

    @property
    def is_active(self) -> bool:
        """Whether the query still runs."""
        return bool(self.query.isActive)

    def wait(self) -> StreamingQueryException | None:
        """Wait until the query ends, and return Spark's exception if it failed; `failure` knows more."""
        try:
            self.query.awaitTermination()
        except StreamingQueryException as error:
            return error
        return None

    def failure(self) -> BaseException | None:
        """Return what stopped the query, or None.

        A batch's own exception comes first, because Spark passes it on as text alone.
        """
        return self.batch_failure or self.query.exception()

    def found_new_columns(self) -> bool:
        """Return whether the query ended because its source has got columns; opened again, the flow goes on."""
        raised = self.query.exception()
        return raised is not None and self.batch_failure is None and columns_changed(raised)

    def log_progress(self) -> None:
        """Log what Structured Streaming itself reports of the newest batches."""
        self.reporter.streamed(self.flow, self.query.recentProgress)

    def stop(self) -> bool:
        """Stop the query, and return whether its batch has ended; if not, the next update finishes the batch."""
        try:
            self.query.stop()
        except Exception:  # noqa: BLE001 - Spark gives up waiting with an exception of no class of its own
            return False
        return True


@dataclass
class QueryRunner:
    """Runs the flows of one update as queries of Structured Streaming.

    A flow's state is checked before its first query: damaged state is reported, never built upon.
    """

    log: EventLog
    reporter: Reporter
    update_id: str
    _sound: set[str] = field(default_factory=set)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _query: FlowQuery | None = None

    def run(self, flow: Flow) -> None:
        """Have a flow read everything that is there now.

        Raises:
            LakehouseError: The flow failed.
            KeyboardInterrupt: The update was stopped.
        """
        self._query = self._started(flow, {"availableNow": True})
        if self._query is not None:
            # An interrupt from outside passes through: Spark must not be asked for anything then.
            error = self._query.wait()
            self._query.log_progress()
            if error is not None and not self._stopped.is_set():
                failure = self._query.failure() or error
                raise (readable(failure, flow.node.name) if isinstance(failure, Exception) else failure) from error
        if self._query is not None or not (flow.sources or flow.reads_files):
            self.compute_due(flow)
        if self._stopped.is_set():
            raise KeyboardInterrupt

    def compute_due(self, flow: Flow) -> None:
        """Compute a table that no new rows drive, in as many batches as are due.

        Raises:
            LakehouseError: The flow failed.
        """
        is_running = self._query is not None
        while not self._stopped.is_set() and (due := flow.due_batch(self.update_id)) is not None:
            if not is_running:
                self.reporter.flow_status(flow, "STARTING")
                self.reporter.flow_status(flow, "RUNNING")
                is_running = True
            self.reporter.batch_done(flow, due, flow.recompute(due))
            self.reporter.flush()

    def start(self, flow: Flow, seconds_between_looks: float) -> FlowQuery | None:
        """Start a query that keeps looking for new rows.

        Returns:
            None while a source of the flow has no table yet.

        Raises:
            DamagedStateError: The flow's state is damaged.
        """
        return self._started(flow, {"processingTime": f"{max(int(seconds_between_looks * 1000), 1)} milliseconds"})

    def stop(self) -> None:
        """Have `run` end, from any thread; a batch that is under way is given up and repeated by the next update."""
        self._stopped.set()
        if self._query is not None and self._query.is_active:
            self._query.stop()

    def _started(self, flow: Flow, trigger: dict[str, Any]) -> FlowQuery | None:
        if flow.node.name not in self._sound:
            flow.check_sound(self._totals)
            self._sound.add(flow.node.name)
        source = flow.source()
        if source is None:
            return None
        self.reporter.flow_status(flow, "STARTING")
        if flow.listing is not None:
            self.reporter.listed(flow, flow.listing)
        self.reporter.flow_status(flow, "RUNNING")
        times = ExecutorTimes(source.sparkSession)
        query = FlowQuery(flow, times, self.reporter, self.update_id, self._stopped)
        query.query = (
            source.writeStream.queryName(flow.node.name)
            .outputMode(flow.output_mode)
            .foreachBatch(query.carry)
            .option("checkpointLocation", str(flow.position.checkpoint()))
            .trigger(**trigger)
            .start()
        )
        return query

    @cached_property
    def _totals(self) -> Totals:
        """What the event log held when the first flow was started."""
        return self.log.totals()
