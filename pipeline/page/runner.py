"""Updates that the page runs in its own process, over one Spark session."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.foundation.errors import LakehouseError, PipelineBusyError, UnknownNameError
from pipeline.home.lock import holder
from pipeline.quality.tables.table_judge import TableJudge

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home
    from pipeline.selection import Selection
    from pipeline.settings import Settings
    from pipeline.update.update import Update

_SECONDS_TO_STOP = 20

RunnerState = Literal["idle", "running", "stopping", "dry run"]


@dataclass(frozen=True)
class RunnerStatus:
    """What the page's process is doing.

    Attributes:
        update_id: The update that it runs or ran last.
        warm: Whether Spark is running.
        held_by: The other process that holds the lakehouse's lock, if any.
        problem: Why the last update or dry run failed before its flows started.
        remedy: What helps.
    """

    state: RunnerState = "idle"
    update_id: str | None = None
    warm: bool = False
    held_by: str | None = None
    problem: str | None = None
    remedy: str | None = None


class Runner:
    """Runs one update at a time in a thread. Spark starts with the first update and keeps running."""

    def __init__(self, home: Home, settings: Settings, clock: Clock, session: Callable[[], SparkSession]) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._build_session = session
        self._session: SparkSession | None = None
        self._judge = TableJudge(home, settings.expectations, self._warm_session)
        self._lock = threading.Lock()
        self._status = RunnerStatus()
        self._update: Update | None = None
        self._thread: threading.Thread | None = None
        self._problems: list[str] = []

    def status(self) -> RunnerStatus:
        """Return what this process is doing, and which other process holds the lakehouse."""
        with self._lock:
            held = holder(self._home) if self._status.state == "idle" else None
            return replace(self._status, warm=self._session is not None, held_by=str(held) if held else None)

    def run(self, selection: Selection) -> list[str]:
        """Run an update that files started, and return its errors.

        Raises:
            PipelineBusyError: An update is already running, here or elsewhere.
        """
        self.start(selection, cause="JOB_TASK")
        if self._thread is not None:
            self._thread.join()
        return self._problems

    def start(self, selection: Selection, *, cause: str = "USER_ACTION") -> str:
        """Start an update and return its id; the event log shows its progress.

        Raises:
            PipelineBusyError: An update is already running, here or elsewhere.
        """
        from pipeline.update.update import Update  # noqa: PLC0415 - imports Spark

        with self._lock:
            self._claim("running")
            update = Update(self._home, self._settings, self._clock, self._warm_session, cause=cause, judge=self._judge)
            self._update, self._status = update, replace(self._status, update_id=update.id)
            self._thread = threading.Thread(target=self._run, args=(update, selection), name="update", daemon=True)
            self._thread.start()
            return update.id

    def stop(self, update_id: str) -> None:
        """Stop the update that runs here, after its current batch.

        Raises:
            UnknownNameError: No update with this id runs here.
        """
        with self._lock:
            runs = self._update if self._status.state in {"running", "stopping"} else None
            if runs is None or runs.id != update_id:
                raise UnknownNameError("running update", update_id, [runs.id] if runs else [], "This page")
            self._status = replace(self._status, state="stopping")
        runs.stop()

    def dry_run(self) -> list[dict[str, Any]]:
        """Check settings, declarations, inputs, columns and suites without writing anything, and return the tables.

        Raises:
            PipelineBusyError: An update is already running, here or elsewhere.
            AuthorError: A check failed; the message names file and line.
        """
        from pipeline.flows.dry_run import facts_of  # noqa: PLC0415 - imports Spark
        from pipeline.flows.open import open_lakehouse  # noqa: PLC0415 - as above

        with self._lock:
            self._claim("dry run")
        try:
            lakehouse = open_lakehouse(self._warm_session(), self._home, self._settings, self._clock, needs_data=False)
            lakehouse.close()
            # The API's own names of two facts.
            return [one | {"inputs": one["reads"], "expectations": list(one["rules"])} for one in facts_of(lakehouse)]
        finally:
            with self._lock:
                self._status = replace(self._status, state="idle")

    def close(self) -> None:
        """Stop the running update. Spark ends with the process."""
        with self._lock:
            update, thread = self._update, self._thread
        if update is not None and thread is not None and thread.is_alive():
            update.stop()
            thread.join(timeout=_SECONDS_TO_STOP)
        self._judge.close()

    def _claim(self, state: RunnerState) -> None:
        if self._status.state != "idle":
            raise PipelineBusyError("this page's own update")
        held = holder(self._home)
        if held is not None:
            raise PipelineBusyError(str(held))
        self._status = replace(self._status, state=state, problem=None, remedy=None)

    def _warm_session(self) -> SparkSession:
        # A cluster may have ended the former session.
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
        except Exception as error:  # noqa: BLE001 - nothing above this thread could report it
            problem = f"Unexpected {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            fault = LakehouseError(problem, "Run `python -m pipeline run --debug` and report what it prints.")
        finally:
            with self._lock:
                self._problems = problems if fault is None else [str(fault)]
                self._status = replace(
                    self._status,
                    state="idle",
                    problem=fault.problem if fault else None,
                    remedy=fault.remedy if fault else None,
                )
