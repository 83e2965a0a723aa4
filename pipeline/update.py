"""One update: the tables refreshed once or kept fresh, and everything about it told to the event log."""

from __future__ import annotations

import getpass
import threading
import time
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyspark.errors import StreamingQueryException

from pipeline.catalog import open_lakehouse
from pipeline.continuous import Continuous
from pipeline.event_log import EventLog
from pipeline.faults import readable
from pipeline.flows.carrier import carrier
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.plan import clean_landing_zones
from pipeline.flows.soundness import check_sound
from pipeline.lock import exclusive
from pipeline.notify import Notifier
from pipeline.refresh import Refresh
from pipeline.reporting import Reporter
from pipeline.result import UpdateResult, UpdateState
from pipeline.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

    from pipeline.balance import Record
    from pipeline.clock import Clock
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.home import Home
    from pipeline.quality.table_judge import TableJudge
    from pipeline.settings import Settings
    from pipeline.stop import Stop

# A process manager kills what has not ended ten seconds after it was asked to: there, draining has the time.
_LONGEST_NOTIFYING_SECONDS = {"once": 20, "continuous": 1}


class Update:
    """Refreshes a pipeline's tables once, or keeps them fresh.

    Each flow goes from its own position, which moves only after its rows and their evidence are written: what
    a kill interrupts is finished by the next update, and nothing is written twice.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        session: Callable[[], SparkSession],
        *,
        cause: str,
        sleep: Callable[[float], None] = time.sleep,
        judge: TableJudge | None = None,
    ) -> None:
        self.id = str(uuid.uuid4())
        self._home = home
        self._settings = settings
        self._clock = clock
        self._session = session
        self._cause = cause
        self._sleep = sleep
        self._judge = judge
        self.log = EventLog(home.schema(settings.target_schema) / "event_log", clock)
        self._reporter = Reporter(self.log, self.id, settings)
        self._notifier = Notifier(settings, self.log, self.id)
        self._query: StreamingQuery | None = None
        self._sound: set[str] = set()
        self._stop_asked = threading.Event()
        self._until: Stop | None = None

    def run(self, selection: Selection | None = None) -> UpdateResult:
        """Refresh the selected tables in dependency order, and return how each flow ended.

        A flow that fails stops what depends on it; the others go on. What the environment failed is tried again.

        Raises:
            PipelineBusyError: Another update holds the lakehouse.
            AuthorError: A declaration, a suite or the selection is wrong; nothing was written.
        """
        chosen = selection or Selection()
        return self._carry_out(chosen, lambda lakehouse, result: self._refresh(lakehouse).run(chosen, result))

    def run_continuously(self, until: Stop) -> UpdateResult:
        """Keep every table up to date, all flows at once, until asked to stop, and return how each flow ended.

        Raises:
            PipelineBusyError: Another update holds the lakehouse.
            AuthorError: A declaration or a suite is wrong; nothing was written.
        """
        self._until = until
        return self._carry_out(Selection(), lambda lakehouse, result: self._keep_fresh(lakehouse, until, result))

    def stop(self) -> None:
        """Have the update end, from any thread, as Ctrl-C would. What was done is kept."""
        if self._until is not None:
            self._until.ask()
            return
        self._stop_asked.set()
        if self._query is not None and self._query.isActive:
            self._query.stop()

    def _carry_out(self, selection: Selection, work: Callable[[Lakehouse, UpdateResult], None]) -> UpdateResult:
        self._home.make_writable()
        with exclusive(self._home, self._clock, f"update {self.id}"):
            result = UpdateResult(self.id)
            self._reporter.created(self._cause, getpass.getuser(), selection)
            try:
                self._reporter.state("INITIALIZING")
                work(self._open(), result)
            except KeyboardInterrupt:
                result.state = "CANCELED"
                self.stop()
            except Exception as error:
                self._end("FAILED", error)
                raise
            if result.errors:
                result.state = "FAILED"
            self._end(result.state, next(iter(result.errors.values()), None))
            return result

    def _end(self, state: UpdateState, error: BaseException | None) -> None:
        self._reporter.state(state, error=error)
        self._notifier.finish(_LONGEST_NOTIFYING_SECONDS["once" if self._until is None else "continuous"])
        self.log.flush()

    def _open(self) -> Lakehouse:
        return open_lakehouse(self._session(), self._home, self._settings, self._clock)

    def _refresh(self, lakehouse: Lakehouse) -> Refresh:
        def run_flow(flow: Flow) -> None:
            self._run_flow(lakehouse, flow)

        return Refresh(lakehouse, self._settings, self._reporter, self.log, self.id, run_flow, self._sleep, self._judge)

    def _keep_fresh(self, lakehouse: Lakehouse, until: Stop, result: UpdateResult) -> None:
        refresh = self._refresh(lakehouse)
        refresh.begin(Selection(), set())
        continuous = Continuous(self._open, self._started, self._reporter, self._settings)
        drained = continuous.run(lakehouse, until)
        result.errors |= continuous.errors
        for flow in refresh.flows:
            result.statuses |= dict.fromkeys(flow.targets, "FAILED" if flow.node.name in result.errors else "STOPPED")
        if drained:
            clean_landing_zones(refresh.flows)
        else:
            result.state = "CANCELED"

    def _run_flow(self, lakehouse: Lakehouse, flow: Flow) -> None:
        """Have a flow read all that is there now."""
        failures: list[BaseException] = []
        self._query = self._start(lakehouse, flow, failures, {"availableNow": True})
        if self._query is not None:
            try:
                self._query.awaitTermination()
            except StreamingQueryException as error:
                # An interrupt from outside is passed on as it is: nothing more is asked of Spark then.
                self._reporter.streamed(flow, self._query.recentProgress)
                cause = failures[0] if failures else error
                if not self._stop_asked.is_set():
                    raise (readable(cause, flow.node.name) if isinstance(cause, Exception) else cause) from error
            else:
                self._reporter.streamed(flow, self._query.recentProgress)
        if self._stop_asked.is_set():
            raise KeyboardInterrupt

    def _started(
        self, lakehouse: Lakehouse, flow: Flow, failures: list[BaseException], pause_seconds: float
    ) -> StreamingQuery | None:
        trigger = {"processingTime": f"{max(int(pause_seconds * 1000), 1)} milliseconds"}
        return self._start(lakehouse, flow, failures, trigger)

    def _start(
        self, lakehouse: Lakehouse, flow: Flow, failures: list[BaseException], trigger: dict[str, Any]
    ) -> StreamingQuery | None:
        """Start the query that drives a flow, or return None while its source has no table.

        This is the one place that starts queries.

        Args:
            lakehouse: What the flow works with.
            flow: What carries the batches.
            failures: Takes what stopped a batch, which Spark itself passes on as text alone.
            trigger: When batches are made.
        """
        if flow.node.name not in self._sound:
            check_sound(flow, lakehouse, self._record)
            self._sound.add(flow.node.name)
        before = self._clock.now()
        source = flow.source()
        if source is None:
            return None
        self._reporter.flow_status(flow, "STARTING")
        if isinstance(flow, IngestFlow):
            self._reporter.listed(flow, (self._clock.now() - before).total_seconds())
        self._reporter.flow_status(flow, "RUNNING")
        return (
            source.writeStream.queryName(flow.node.name)
            .foreachBatch(carrier(flow, lakehouse, self._reporter, self.id, failures, self._stop_asked.is_set))
            .option("checkpointLocation", str(flow.position.checkpoint()))
            .trigger(**trigger)
            .start()
        )

    @cached_property
    def _record(self) -> Record:
        """What was on record when the first flow was started."""
        return self.log.record()
