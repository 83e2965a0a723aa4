"""One update: the tables refreshed in order, and everything about it told to the event log."""

from __future__ import annotations

import getpass
import threading
import uuid
from typing import TYPE_CHECKING

from pyspark.errors import StreamingQueryException

from pipeline.catalog import open_lakehouse
from pipeline.errors import AuthorError, EnvironmentFaultError, LakehouseError
from pipeline.event_log import EventLog
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.plan import chosen_tables, clean_landing_zones, flows_of
from pipeline.flows.stream import ExpectationViolatedError
from pipeline.lock import exclusive
from pipeline.measuring import ExecutorTimes, measured
from pipeline.repair import repair
from pipeline.replay import Replays
from pipeline.reporting import Reporter
from pipeline.reprocess import Reprocessing
from pipeline.result import FlowStatus, UpdateResult
from pipeline.selection import Selection
from pipeline.tables import Batch
from pipeline.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

    from pipeline.clock import Clock
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.home import Home
    from pipeline.settings import Settings


class Update:
    """Refreshes a pipeline's tables once.

    Each flow goes from its own position, which moves only after its rows and their evidence are written: what
    a kill interrupts is finished by the next update, and nothing is written twice.
    """

    def __init__(
        self, home: Home, settings: Settings, clock: Clock, session: Callable[[], SparkSession], *, cause: str
    ) -> None:
        self.id = str(uuid.uuid4())
        self._home = home
        self._settings = settings
        self._clock = clock
        self._session = session
        self._cause = cause
        self.log = EventLog(home.schema(settings.target_schema) / "event_log", clock)
        self._reporter = Reporter(self.log, self.id, settings)
        self._query: StreamingQuery | None = None
        self._stop_asked = threading.Event()

    def run(self, selection: Selection | None = None) -> UpdateResult:
        """Refresh the selected tables in dependency order, and return how each flow ended.

        A flow that fails stops what depends on it; the others go on.

        Raises:
            PipelineBusyError: Another update holds the lakehouse.
            AuthorError: A declaration, a suite or the selection is wrong; nothing was written.
        """
        selection = selection or Selection()
        self._home.make_writable()
        with exclusive(self._home, self._clock, f"update {self.id}"):
            result = UpdateResult(self.id)
            self._reporter.created(self._cause, getpass.getuser(), selection)
            try:
                self._reporter.state("INITIALIZING")
                lakehouse = open_lakehouse(self._session(), self._home, self._settings, self._clock)
                self._refresh(lakehouse, selection, result)
            except KeyboardInterrupt:
                result.state = "CANCELED"
                self.stop()
            except Exception as error:
                self._reporter.state("FAILED", error=error)
                self.log.flush()
                raise
            if result.errors:
                result.state = "FAILED"
            self._reporter.state(result.state, error=next(iter(result.errors.values()), None))
            self.log.flush()
            return result

    def stop(self) -> None:
        """Have the update end, CANCELED, as Ctrl-C would; from any thread. What was done is kept."""
        self._stop_asked.set()
        if self._query is not None and self._query.isActive:
            self._query.stop()

    def _refresh(self, lakehouse: Lakehouse, selection: Selection, result: UpdateResult) -> None:
        by_hand = selection.validate or selection.replay is not None
        chosen, reset = (set(), set()) if by_hand else chosen_tables(lakehouse.graph, selection)
        flows = flows_of(lakehouse)
        self._reporter.state("SETTING_UP_TABLES")
        self._reporter.definitions(lakehouse, flows)
        repair(lakehouse, flows, self._reporter)
        replays = Replays(lakehouse, flows, self._reporter, self.id)
        # Before a reset: what it empties must not get rows of an earlier time afterwards.
        replays.finish(lambda flow: self._run_flow(lakehouse, flow))
        if selection.replay:
            replays.begin(selection.replay)
            replays.finish(lambda flow: self._run_flow(lakehouse, flow))
        if reset:
            self._reset(lakehouse, [flow for flow in flows if flow.node.name in reset], selection)
        self._reporter.state("RUNNING")
        validation = Validation(lakehouse, self._settings.expectations, self._reporter)
        try:
            self._carry_out(lakehouse, flows, chosen, selection, validation, result)
            if selection.validate or self._settings.table_expectations == "after_update":
                stopped = validation.judge(flows, every_one=selection.validate)
                result.errors |= stopped
                result.statuses |= dict.fromkeys(stopped, "FAILED")
        finally:
            validation.close()

    def _carry_out(
        self,
        lakehouse: Lakehouse,
        flows: list[Flow],
        chosen: set[str],
        selection: Selection,
        validation: Validation,
        result: UpdateResult,
    ) -> None:
        files_again = Reprocessing(lakehouse, flows, self._reporter, self.id)
        files_again.finish(lambda flow: self._run_flow(lakehouse, flow))
        for flow in flows:
            self._reporter.flow_status(flow, "QUEUED" if flow.node.name in chosen else "EXCLUDED")
        for flow in flows:
            if flow.node.name in chosen:
                self._refresh_one(lakehouse, flow, result)
                if self._settings.table_expectations == "after_update":
                    validation.prepare(flow)
            for target in flow.targets:
                result.statuses.setdefault(target, "EXCLUDED")
        if not result.errors and chosen == {node.name for node in lakehouse.graph.tables}:
            if files_again.begin_due(selection):
                files_again.finish(lambda flow: self._run_flow(lakehouse, flow))
            clean_landing_zones(flows)

    def _refresh_one(self, lakehouse: Lakehouse, flow: Flow, result: UpdateResult) -> None:
        status: FlowStatus = "COMPLETED"
        broken = [name for name in lakehouse.graph.upstream({flow.node.name}) if name in result.errors]
        if broken:
            status = "SKIPPED"
            self._reporter.flow_status(flow, status, because=f"`{broken[0]}` failed")
            result.errors.setdefault(flow.node.name, result.errors[broken[0]])
        else:
            try:
                self._run_flow(lakehouse, flow)
                self._reporter.flow_status(flow, status)
            except Exception as raised:  # noqa: BLE001 - whatever stops one flow, the others go on
                error = _readable(raised)
                status = "FAILED"
                result.errors[flow.node.name] = error
                evidence = error.evidence if isinstance(error, ExpectationViolatedError) else None
                self._reporter.flow_failed(flow, error, evidence)
        result.statuses |= dict.fromkeys(flow.targets, status)

    def _run_flow(self, lakehouse: Lakehouse, flow: Flow) -> None:
        flow.position.check(lakehouse.table(flow.node.name))
        self._reporter.flow_status(flow, "STARTING")
        before = self._clock.now()
        source = flow.source()
        if source is None:
            return
        if isinstance(flow, IngestFlow):
            self._reporter.listed(flow, (self._clock.now() - before).total_seconds())
        self._reporter.flow_status(flow, "RUNNING")
        failures: list[BaseException] = []
        flow_id = flow.position.flow_id()
        times = ExecutorTimes(lakehouse.spark)

        def carry(rows: DataFrame, batch_id: int) -> None:
            if self._stop_asked.is_set():
                # An ordinary error: any other would never reach the JVM, which waits for an answer.
                raise InterruptedError
            try:
                batch = Batch(self.id, flow.node.name, flow_id, batch_id)
                self._reporter.batch_done(flow, batch, measured(flow, lakehouse, rows, batch, times))
                # The position moves when this returns; what was done has to be on record before.
                self.log.flush()
            except BaseException as error:
                failures.append(error)
                raise

        self._query = (
            source.writeStream.queryName(flow.node.name)
            .foreachBatch(carry)
            .option("checkpointLocation", str(flow.position.checkpoint()))
            .trigger(availableNow=True)
            .start()
        )
        self._await(flow, self._query, failures)

    def _await(self, flow: Flow, query: StreamingQuery, failures: list[BaseException]) -> None:
        try:
            query.awaitTermination()
        except StreamingQueryException as error:
            # An interrupt from outside is passed on as it is: nothing more is asked of Spark then.
            self._reporter.streamed(flow, query.recentProgress)
            if not self._stop_asked.is_set():
                raise _cause_of(failures, error) from error
        else:
            self._reporter.streamed(flow, query.recentProgress)
        if self._stop_asked.is_set():
            raise KeyboardInterrupt

    def _reset(self, lakehouse: Lakehouse, flows: list[Flow], selection: Selection) -> None:
        for flow in flows:
            for dataset in map(lakehouse.dataset, flow.targets):
                if not dataset.reset_allowed:
                    problem = f"{dataset.location}: `{dataset.name}` is declared with reset_allowed=False."
                    raise AuthorError(problem, "Leave it out of the full refresh, or allow the reset there.")
            if isinstance(flow, IngestFlow):
                flow.check_reset(accept_loss=selection.accept_loss)
        self._reporter.state("RESETTING")
        for flow in flows:
            self._reporter.flow_reset(flow, flow.reset())


def _cause_of(failures: list[BaseException], error: StreamingQueryException) -> BaseException:
    """Return what really stopped a query: this program's own error, or the environment's."""
    first = failures[0] if failures else error
    return _readable(first) if isinstance(first, Exception) else first


def _readable(error: Exception) -> LakehouseError:
    """Return an error with one line of what happened and a next step."""
    if isinstance(error, LakehouseError):
        return error
    text = str(error).strip().splitlines()
    problem = f"Spark stopped with {type(error).__name__}: {text[0] if text else 'no message'}"
    fault = EnvironmentFaultError(problem, "See state/log/spark.log in the home for the whole of it.")
    fault.__cause__ = error
    return fault
