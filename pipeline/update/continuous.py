"""All flows at once, each at its own pace, until asked to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.spark.faults import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.flows.flow import Flow
    from pipeline.flows.flows import Flows
    from pipeline.foundation.stop import Stop
    from pipeline.report.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.update.query_runner import FlowQuery, QueryRunner
    from pipeline.update.result import UpdateResult


@dataclass(frozen=True)
class Pace:
    """How often continuous mode looks after its flows, and how long it waits for them.

    Attributes:
        tick_seconds: Time between two looks at all flows.
        longest_yield_seconds: The longest time that new files wait for slower flows to catch up.
        looks_per_interval: How often a query looks for work in its trigger interval, so that new rows are taken soon.
        drain_seconds: Time for the flows to read what is there when the update is stopped. Process managers kill what
            has not ended ten seconds after they asked it to.
    """

    tick_seconds: float = 0.1
    longest_yield_seconds: float = 10.0
    looks_per_interval: int = 4
    drain_seconds: float = 6.0


@dataclass
class _Running:
    """One flow and its query.

    Attributes:
        pause_seconds: The time until the flow is started, or until new files are looked for.
        due_seconds: The time until a table that no query drives is looked after again.
        attempts: How often in a row it has failed without finishing a batch in between.
        done_before: The batch that its position had passed when it was started.
    """

    flow: Flow
    state: Literal["waiting", "running", "failed"] = "waiting"
    query: FlowQuery | None = None
    pause_seconds: float = 0.0
    due_seconds: float = 0.0
    attempts: int = 0
    done_before: int = -1


@dataclass
class Continuous:
    """Keeps each flow's query running.

    A query that ends because its source has got columns is opened again with them. One that the environment
    failed is started again after a wait, as often as the settings say. Any other failure ends its flow; the
    flows that it does not feed go on.

    Attributes:
        flows: The flows.
        runner: Starts their queries.
        reporter: Logs what happens.
        settings: How often each flow is triggered, and how often one that failed is tried again.
        sleep: Waits some seconds, also after a stop was asked for.
        pace: How long everything may take.
    """

    flows: Flows
    runner: QueryRunner
    reporter: Reporter
    settings: Settings
    sleep: Callable[[float], None]
    pace: Pace = Pace()

    def __post_init__(self) -> None:
        self._running = {flow.node.name: _Running(flow) for flow in self.flows.all}

    def run(self, until: Stop, result: UpdateResult) -> None:
        """Run all flows until asked to stop or until every one has failed, and note in the result how each ended.

        The update counts as canceled unless every flow had read everything that was there when it ended.
        """
        while not until.is_asked() and any(one.state != "failed" for one in self._running.values()):
            for running in self._running.values():
                self._look_after(running, result)
            until.wait(self.pace.tick_seconds)
        drained = self._drain()
        for flow in self.flows.all:
            result.statuses |= dict.fromkeys(flow.targets, "FAILED" if flow.node.name in result.errors else "STOPPED")
        if drained and not result.errors:
            self.flows.clean()
        else:
            result.state = "CANCELED"

    def _look_after(self, running: _Running, result: UpdateResult) -> None:
        try:
            if running.state == "running":
                self._check_up(running, result)
            elif running.state == "waiting":
                running.pause_seconds -= self.pace.tick_seconds
                if running.pause_seconds <= 0:
                    self._start(running)
        except Exception as raised:  # noqa: BLE001 - whatever stops one flow, the others go on
            self._failed(running, raised, result)

    def _start(self, running: _Running) -> None:
        running.done_before = running.flow.position.done_batch()
        running.query = self.runner.start(running.flow, self._query_interval(running.flow))
        if running.query is not None:
            running.state = "running"
        elif not (running.flow.sources or running.flow.reads_files):
            self._compute_due(running)

    def _compute_due(self, running: _Running) -> None:
        """Compute a table that no query drives, at its flow's own pace."""
        running.due_seconds -= self.pace.tick_seconds
        if running.due_seconds <= 0:
            self.runner.compute_due(running.flow)
            running.due_seconds, running.attempts = self._interval(running.flow), 0

    def _check_up(self, running: _Running, result: UpdateResult) -> None:
        query = running.query
        assert query is not None
        if running.attempts and running.flow.position.done_batch() > running.done_before:
            running.attempts = 0
        if query.is_active:
            if running.flow.is_outdated() and query.stop():
                self._open_again(running)
            else:
                self._look_for_files(running)
            return
        query.log_progress()
        if query.found_new_columns():
            self._open_again(running)
            return
        failure = query.failure()
        raised = failure if isinstance(failure, Exception) else RuntimeError("the query has ended")
        self._failed(running, raised, result)

    def _look_for_files(self, running: _Running) -> None:
        """Have new files found, at the flow's own pace, once the files before them are in every table."""
        running.pause_seconds -= self.pace.tick_seconds
        if not running.flow.reads_files or running.pause_seconds > 0:
            return
        if running.pause_seconds > -self.pace.longest_yield_seconds and self._feeds_behind(running.flow):
            return
        running.flow.look_for_files()
        running.pause_seconds = self._interval(running.flow)

    def _feeds_behind(self, flow: Flow) -> bool:
        """Return whether a flow downstream has not read everything: what is under way gets the machine first."""
        return any(self._is_behind(self._running[fed.node.name]) for fed in self.flows.downstream({flow.node.name}))

    def _is_behind(self, running: _Running) -> bool:
        try:
            return running.state != "failed" and not running.flow.has_read_all()
        except Exception:  # noqa: BLE001 - the flow's own query reports what is wrong there
            return False

    def _interval(self, flow: Flow) -> float:
        own = self.settings.trigger_intervals.get(flow.node.name)
        return (self.settings.trigger_interval if own is None else own).total_seconds()

    def _query_interval(self, flow: Flow) -> float:
        """Return how often a query looks for work; `_look_for_files` finds files at the flow's own pace."""
        is_own = flow.node.name in self.settings.trigger_intervals and not flow.reads_files
        return self._interval(flow) if is_own else self._interval(flow) / self.pace.looks_per_interval

    def _open_again(self, running: _Running) -> None:
        self.flows = self.flows.open_again()
        running.flow = next(flow for flow in self.flows.all if flow.node.name == running.flow.node.name)
        running.state, running.pause_seconds = "waiting", 0.0

    def _failed(self, running: _Running, raised: Exception, result: UpdateResult) -> None:
        error = readable(raised, running.flow.node.name)
        running.attempts += 1
        wait = self.settings.retries.seconds_to_next_attempt(error, running.attempts)
        if wait is None:
            running.state = "failed"
            result.errors[running.flow.node.name] = error
            self.reporter.flow_failed(running.flow, error, running.flow.backlog_of_failed())
        else:
            running.state, running.pause_seconds = "waiting", wait
            self.reporter.flow_retried(running.flow, error, running.attempts, wait)

    def _drain(self) -> bool:
        """Stop the queries in dependency order, each once it has read what is there, within some seconds.

        Returns:
            Whether every flow that has not failed had read everything.
        """
        ticks = int(self.pace.drain_seconds / self.pace.tick_seconds)
        drained = True
        for running in self._running.values():
            query = running.query
            if query is None or not query.is_active:
                is_idle = running.state == "waiting" and running.pause_seconds <= 0 and not self._is_behind(running)
                drained = drained and is_idle
                continue
            while ticks > 0 and query.is_active and not running.flow.has_read_all():
                self.sleep(self.pace.tick_seconds)
                ticks -= 1
            drained = drained and query.is_active and running.flow.has_read_all()
            query.log_progress()
            drained = query.stop() and drained
            self.reporter.flow_status(running.flow, "STOPPED")
        return drained
