"""One update: the tables refreshed once or kept fresh, and everything about it in the event log."""

from __future__ import annotations

import getpass
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.declare.stored import store_graph
from pipeline.events.log import EventLog
from pipeline.flows.flows import flows_of
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.quality.declared_suite import store_suites
from pipeline.report.notifier import Notifier
from pipeline.report.reporter import Reporter
from pipeline.rework.migration import writing
from pipeline.rework.rework import Rework
from pipeline.rework.work import UpdateContext
from pipeline.selection import Selection
from pipeline.spark.workers import check_code_of
from pipeline.update.continuous import Continuous
from pipeline.update.query_runner import QueryRunner
from pipeline.update.result import UpdateResult, UpdateState
from pipeline.update.triggered import TriggeredUpdate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

    from pipeline.flows.open import Lakehouse
    from pipeline.foundation.clock import Clock
    from pipeline.foundation.stop import Stop
    from pipeline.home.places import Home
    from pipeline.quality.tables.table_judge import TableJudge
    from pipeline.settings import Settings

# Process managers send SIGKILL ten seconds after SIGTERM, and draining takes most of that in continuous mode.
_LONGEST_NOTIFYING_SECONDS = {"once": 20, "continuous": 1}


@dataclass
class Update:
    """Refreshes a pipeline's tables once, or keeps them fresh.

    Each flow goes on from its own position, which moves only after its rows and their evidence are written: the
    next update finishes what a kill interrupts, and nothing is written twice.

    Attributes:
        home: The lakehouse.
        settings: The pipeline.
        clock: Tells the time.
        session: Returns the Spark session; it is called once the update holds the lakehouse.
        cause: Why the update runs, for the event log.
        sleep: Waits some seconds.
        judge: Judges whole tables, if the caller keeps a judge for later updates.
        limits: What counts as few rows or as a small file.
        log: Takes the update's events.
    """

    home: Home
    settings: Settings
    clock: Clock
    session: Callable[[], SparkSession]
    cause: str
    sleep: Callable[[float], None] = time.sleep
    judge: TableJudge | None = None
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.log = EventLog(self.home.schema(self.settings.target_schema).event_log, self.clock)
        self._reporter = Reporter(self.log, self.id, self.settings)
        notifies = any(urls for _, urls in self.settings.notifications)
        self._notifier = Notifier(self.settings, self.log, self.id) if notifies else None
        self._runner = QueryRunner(self.log, self._reporter, self.id)
        self._until: Stop | None = None
        self._lakehouse: Lakehouse | None = None

    def run(self, selection: Selection | None = None) -> UpdateResult:
        """Refresh the selected tables in dependency order, and return how each flow ended.

        A flow that fails stops those that depend on it; the others go on. Faults of the environment are retried.

        Raises:
            PipelineBusyError: Another update holds the lakehouse.
            AuthorError: A declaration, a suite or the selection is wrong; nothing was written.
        """
        chosen = selection or Selection()
        with self._in_progress(chosen) as result:
            TriggeredUpdate(self._opened(), self.settings, self.sleep, self.judge).run(chosen, result)
        return result

    def run_continuously(self, until: Stop) -> UpdateResult:
        """Keep every table up to date, all flows at once, until asked to stop, and return how each flow ended.

        Raises:
            PipelineBusyError: Another update holds the lakehouse.
            AuthorError: A declaration or a suite is wrong; nothing was written.
        """
        self._until = until
        with self._in_progress(Selection()) as result:
            context = self._opened()
            Rework(context).set_up(Selection(), set())
            Continuous(context.flows, self._runner, self._reporter, self.settings, self.sleep).run(until, result)
        return result

    def stop(self) -> None:
        """Have the update end, from any thread, as Ctrl-C would. What was done is kept."""
        if self._until is not None:
            self._until.ask()
        else:
            self._runner.stop()

    @contextmanager
    def _in_progress(self, selection: Selection) -> Iterator[UpdateResult]:
        """Hold the lakehouse inside the block, and log how the update begins and ends."""
        self.home.make_writable()
        with writing(self.home, self.clock, f"update {self.id}"):
            result = UpdateResult(self.id)
            self._reporter.created(self.cause, getpass.getuser(), selection)
            try:
                self._reporter.state("INITIALIZING")
                yield result
            except KeyboardInterrupt:
                result.state = "CANCELED"
                self.stop()
            except Exception as error:
                self._end("FAILED", error)
                raise
            finally:
                if self._lakehouse is not None:
                    self._lakehouse.close()
            if result.errors:
                result.state = "FAILED"
            self._end(result.state, next(iter(result.errors.values()), None))

    def _end(self, state: UpdateState, error: BaseException | None) -> None:
        self._reporter.state(state, error=error)
        if self._notifier:
            self._notifier.finish(_LONGEST_NOTIFYING_SECONDS["once" if self._until is None else "continuous"])
        self.log.flush()

    def _opened(self) -> UpdateContext:
        spark = self.session()
        check_code_of(spark)
        lakehouse = self._lakehouse = open_lakehouse(spark, self.home, self.settings, self.clock, self.limits)
        if self.settings.sources:
            places = self.home.schema(self.settings.target_schema)
            store_graph(places.graph, lakehouse.graph)
            store_suites(places.suites, lakehouse.declared_rules())
        return UpdateContext(self.id, lakehouse, flows_of(lakehouse), self._runner, self._reporter, self.log)
