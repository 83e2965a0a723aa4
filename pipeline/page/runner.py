"""Updates that the page starts: in its own process, over a Spark session that stays warm."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import LakehouseError, PipelineBusyError, UnknownNameError
from pipeline.lock import holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.clock import Clock
    from pipeline.home import Home
    from pipeline.quality.table_judge import TableJudge
    from pipeline.selection import Selection
    from pipeline.settings import Settings
    from pipeline.update import Update

_SECONDS_TO_STOP = 20

RunnerState = Literal["idle", "running", "stopping", "dry run"]


@dataclass(frozen=True)
class RunnerStatus:
    """What the page's own process does.

    Attributes:
        update_id: The update that it runs, or ran last.
        warm: Whether Spark runs already.
        held_by: Who holds the lakehouse, if that is somebody else.
        problem: Why the last update or dry run did not come to its flows.
        remedy: What helps.
    """

    state: RunnerState = "idle"
    update_id: str | None = None
    warm: bool = False
    held_by: str | None = None
    problem: str | None = None
    remedy: str | None = None


class Runner:
    """Runs one update at a time in a thread; Spark starts with the first and stays for the next."""

    def __init__(self, home: Home, settings: Settings, clock: Clock, session: Callable[[], SparkSession]) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._build_session = session
        self._session: SparkSession | None = None
        self._judge: TableJudge | None = None
        self._lock = threading.Lock()
        self._state: RunnerState = "idle"
        self._update: Update | None = None
        self._thread: threading.Thread | None = None
        self._fault: LakehouseError | None = None
        self._problems: list[str] = []

    def status(self) -> RunnerStatus:
        """Return what goes on here, and who else holds the lakehouse."""
        with self._lock:
            fault = self._fault
            held = holder(self._home) if self._state == "idle" else None
            return RunnerStatus(
                state=self._state,
                update_id=self._update.id if self._update else None,
                warm=self._session is not None,
                held_by=str(held) if held else None,
                problem=fault.problem if fault else None,
                remedy=fault.remedy if fault else None,
            )

    def run(self, selection: Selection) -> list[str]:
        """Run an update that files have started, and return what went wrong in it.

        Raises:
            PipelineBusyError: An update runs already, here or elsewhere.
        """
        self.start(selection, cause="JOB_TASK")
        if self._thread is not None:
            self._thread.join()
        return self._problems

    def start(self, selection: Selection, *, cause: str = "USER_ACTION") -> str:
        """Start an update and return its id; what it does is told by the event log.

        Raises:
            PipelineBusyError: An update runs already, here or elsewhere.
        """
        from pipeline.update import Update  # noqa: PLC0415 - Spark's own imports take a second

        with self._lock:
            self._claim("running")
            self._update = Update(
                self._home,
                self._settings,
                self._clock,
                self._warm_session,
                cause=cause,
                judge=self._kept_judge(),
            )
            self._thread = threading.Thread(
                target=self._run, args=(self._update, selection), name="update", daemon=True
            )
            self._thread.start()
            return self._update.id

    def stop(self, update_id: str) -> None:
        """Have the update that runs here end as soon as its batch allows.

        Raises:
            UnknownNameError: No update of this id runs here.
        """
        with self._lock:
            runs = self._update if self._state in {"running", "stopping"} else None
            if runs is None or runs.id != update_id:
                raise UnknownNameError("running update", update_id, [runs.id] if runs else [], "This page")
            self._state = "stopping"
        runs.stop()

    def dry_run(self) -> list[dict[str, Any]]:
        """Check settings, declarations, inputs, columns and suites, and return the tables; nothing is written.

        Raises:
            PipelineBusyError: An update runs already, here or elsewhere.
            AuthorError: Something is wrong; the message names file and line.
        """
        from pipeline.catalog import open_lakehouse  # noqa: PLC0415 - as above

        with self._lock:
            self._claim("dry run")
        try:
            lakehouse = open_lakehouse(self._warm_session(), self._home, self._settings, self._clock)
            return [
                {
                    "name": node.name,
                    "kind": node.dataset.kind,
                    "inputs": ([f"landing/{node.files.path}"] if node.files else []) + node.inputs,
                    "expectations": [rule.name for rule in suite.rules] if suite else [],
                }
                for node in lakehouse.graph.nodes.values()
                for suite in [lakehouse.suites.get(node.name)]
            ]
        finally:
            with self._lock:
                self._state = "idle"

    def close(self) -> None:
        """Have what runs end; Spark ends with the process."""
        with self._lock:
            update, thread = self._update, self._thread
        if update is not None and thread is not None and thread.is_alive():
            update.stop()
            thread.join(timeout=_SECONDS_TO_STOP)
        if self._judge is not None:
            self._judge.close()

    def _claim(self, state: RunnerState) -> None:
        if self._state != "idle":
            raise PipelineBusyError("this page, which does so already")
        held = holder(self._home)
        if held is not None:
            raise PipelineBusyError(str(held))
        self._state = state
        self._fault = None

    def _kept_judge(self) -> TableJudge:
        from pipeline.quality.table_judge import TableJudge  # noqa: PLC0415 - as above

        if self._judge is None:
            self._judge = TableJudge(self._home, self._settings.expectations, self._warm_session)
        return self._judge

    def _warm_session(self) -> SparkSession:
        if self._session is None:
            self._session = self._build_session()
        return self._session

    def _run(self, update: Update, selection: Selection) -> None:
        fault: LakehouseError | None = None
        problems: list[str] = []
        try:
            result = update.run(selection)
            problems = [f"{table}: {error}" for table, error in result.errors.items()]
        except LakehouseError as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - the thread's end is the last place that can tell of it
            problem = f"Unforeseen {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            fault = LakehouseError(problem, "Run `python -m pipeline run --debug` and report what it prints.")
        finally:
            with self._lock:
                self._state = "idle"
                self._fault = fault
                self._problems = problems if fault is None else [str(fault)]
