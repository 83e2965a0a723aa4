"""All flows at once, each at its own pace, until somebody asks for the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.faults import columns_changed, readable
from pipeline.flows.backlog import backlog, backlog_of_failed
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.plan import flows_of
from pipeline.retry import wait_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql.streaming.query import StreamingQuery

    from pipeline.errors import LakehouseError
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.reporting import Reporter
    from pipeline.settings import Settings
    from pipeline.stop import Stop

    # Opens the pipeline anew, with the columns that are known now.
    Opener = Callable[[], Lakehouse]
    # Starts a flow's query, or returns None while its source has no table; failures of batches go into the list.
    Starter = Callable[[Lakehouse, Flow, list[BaseException], float], StreamingQuery | None]

_TICK_SECONDS = 0.1
# Files wait so long at most for flows that are behind.
_LONGEST_YIELD_SECONDS = 10.0
# A query looks so often per interval: what was found or written for it goes on at once.
_LOOKS_PER_INTERVAL = 4
# A process manager kills what has not ended ten seconds after it was asked to.
_DRAIN_SECONDS = 6.0


@dataclass
class _Running:
    """One flow and its query.

    Attributes:
        pause_seconds: How long it still waits before it is started.
        attempts: How often in a row it has failed without a batch in between.
        done_before: The batch that its position had passed when it was started.
    """

    flow: Flow
    state: Literal["waiting", "running", "failed"] = "waiting"
    query: StreamingQuery | None = None
    failures: list[BaseException] = field(default_factory=list)
    pause_seconds: float = 0.0
    attempts: int = 0
    done_before: int = -1


class Continuous:
    """Keeps each flow's query running.

    A query that ends because its source has got columns is opened again with them. One that the environment
    failed is started again after a wait, as often as the settings say. Any other failure ends its flow; the
    flows it does not feed go on.
    """

    def __init__(self, opener: Opener, starter: Starter, reporter: Reporter, settings: Settings) -> None:
        self._open = opener
        self._start_query = starter
        self._reporter = reporter
        self._settings = settings
        self._flows: dict[str, _Running] = {}
        self._lakehouse: Lakehouse | None = None
        self.errors: dict[str, LakehouseError] = {}

    def run(self, lakehouse: Lakehouse, until: Stop) -> bool:
        """Run all flows until asked to stop, or until none is left.

        Returns:
            Whether every flow had read all that there was when it ended.
        """
        self._lakehouse = lakehouse
        self._flows = {flow.node.name: _Running(flow) for flow in flows_of(lakehouse)}
        while not until.is_asked() and any(one.state != "failed" for one in self._flows.values()):
            for running in self._flows.values():
                self._look_after(running)
            until.sleep(_TICK_SECONDS)
        return self._drain()

    def _look_after(self, running: _Running) -> None:
        try:
            if running.state == "running":
                self._check_up(running)
            elif running.state == "waiting":
                running.pause_seconds -= _TICK_SECONDS
                if running.pause_seconds <= 0:
                    self._start(running)
        except Exception as raised:  # noqa: BLE001 - whatever stops one flow, the others go on
            self._ended(running, raised)

    def _start(self, running: _Running) -> None:
        assert self._lakehouse is not None
        flow = running.flow
        running.failures.clear()
        running.done_before = flow.position.done_batch()
        running.query = self._start_query(self._lakehouse, flow, running.failures, self._query_interval(running))
        if running.query is not None:
            running.state = "running"

    def _check_up(self, running: _Running) -> None:
        assert running.query is not None
        if running.attempts and running.flow.position.done_batch() > running.done_before:
            running.attempts = 0
        if running.query.isActive:
            self._look_for_files(running)
            return
        self._reporter.streamed(running.flow, running.query.recentProgress)
        raised = running.query.exception()
        if raised is not None and not running.failures and columns_changed(raised):
            self._open_again(running)
            return
        failure = running.failures[0] if running.failures else raised
        self._ended(running, failure if isinstance(failure, Exception) else RuntimeError("the query has ended"))

    def _look_for_files(self, running: _Running) -> None:
        """Have new files found, at the flow's own pace, once what came before is in every table."""
        running.pause_seconds -= _TICK_SECONDS
        if not isinstance(running.flow, IngestFlow) or running.pause_seconds > 0:
            return
        if running.pause_seconds > -_LONGEST_YIELD_SECONDS and self._feeds_behind(running.flow):
            return
        running.flow.look_once_read()
        running.pause_seconds = self._interval(running)

    def _feeds_behind(self, flow: IngestFlow) -> bool:
        """Tell whether a flow that this one feeds has not read all: what is under way gets the machine first."""
        assert self._lakehouse is not None
        fed = self._lakehouse.graph.downstream({flow.node.name}) - {flow.node.name}
        return any(self._is_behind(one) for name, one in self._flows.items() if name in fed)

    def _is_behind(self, running: _Running) -> bool:
        try:
            return running.state != "failed" and not self._has_read_all(running)
        except Exception:  # noqa: BLE001 - its own query says what is wrong there
            return False

    def _interval(self, running: _Running) -> float:
        own = self._settings.trigger_intervals.get(running.flow.node.name)
        return (self._settings.trigger_interval if own is None else own).total_seconds()

    def _query_interval(self, running: _Running) -> float:
        """Return how often a query looks for work; files are found at the flow's own pace, by `_look_for_files`."""
        interval = self._interval(running)
        is_own = running.flow.node.name in self._settings.trigger_intervals
        return interval if is_own and not isinstance(running.flow, IngestFlow) else interval / _LOOKS_PER_INTERVAL

    def _open_again(self, running: _Running) -> None:
        self._lakehouse = self._open()
        name = running.flow.node.name
        self._flows[name].flow = next(flow for flow in flows_of(self._lakehouse) if flow.node.name == name)
        running.state, running.pause_seconds = "waiting", 0.0

    def _ended(self, running: _Running, raised: Exception) -> None:
        error = readable(raised, running.flow.node.name)
        running.attempts += 1
        if error.retryable and running.attempts < self._settings.retries.attempts:
            wait = wait_after(running.attempts, self._settings.retries)
            self._reporter.flow_retried(running.flow, error, running.attempts, wait)
            running.state, running.pause_seconds = "waiting", wait
            return
        running.state = "failed"
        self.errors[running.flow.node.name] = error
        assert self._lakehouse is not None
        self._reporter.flow_failed(running.flow, error, backlog_of_failed(running.flow, self._lakehouse))

    def _drain(self) -> bool:
        """Stop the queries in dependency order, each once it has read what there is, within some seconds."""
        ticks = int(_DRAIN_SECONDS / _TICK_SECONDS)
        drained = True
        for running in self._flows.values():
            query = running.query
            if query is None or not query.isActive:
                is_idle = running.state == "waiting" and running.pause_seconds <= 0 and not self._is_behind(running)
                drained = drained and is_idle
                continue
            while ticks > 0 and query.isActive and not self._has_read_all(running):
                time.sleep(_TICK_SECONDS)
                ticks -= 1
            drained = drained and query.isActive and self._has_read_all(running)
            self._reporter.streamed(running.flow, query.recentProgress)
            drained = _stopped(query) and drained
            self._reporter.flow_status(running.flow, "STOPPED")
        return drained and not self.errors

    def _has_read_all(self, running: _Running) -> bool:
        """Tell whether a flow's position has passed all that its sources hold, or all files that were found."""
        assert self._lakehouse is not None
        flow, done = running.flow, running.flow.position.done_batch()
        if isinstance(flow, IngestFlow):
            return flow.has_read_all()
        return done == flow.position.planned_batch() and not backlog(flow, self._lakehouse, done)["backlog_files"]


def _stopped(query: StreamingQuery) -> bool:
    """Stop a query, and tell whether that ended its batch; if not, the next update finishes what it leaves."""
    try:
        query.stop()
    except Exception:  # noqa: BLE001 - Spark gives up waiting with an exception of no class of its own
        return False
    return True
