"""The append-only record of every update: a Delta table with the original's columns and event types."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.delta import state_table
from pipeline.delta.errors import TABLE_ERRORS
from pipeline.delta.table import Table
from pipeline.events.event import SCHEMA, Event, Level, Origin
from pipeline.foundation.errors import DamagedStateError, EnvironmentFaultError
from pipeline.foundation.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.delta.snapshot import Snapshot
    from pipeline.foundation.clock import Clock


LONGEST_BUFFERED = timedelta(seconds=1)
_COUNTING = "event_type = 'flow_progress' AND level = 'METRICS'"

_DAMAGED_REMEDY = (
    "Restore the folder, repair its permissions, or move it away and `python -m pipeline run --full-refresh-all`."
)


@dataclass
class Totals:
    """Rows and batches in the event log, by table.

    Attributes:
        rows: For each table, rows written less rows deleted.
        newest_batch: For each flow's identity and table, the newest batch that has an event, or -1.
        newest_batch_with_rows: The same, for batches that wrote rows.
    """

    rows: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    newest_batch: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(lambda: -1))
    newest_batch_with_rows: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(lambda: -1))

    def has_rows_of(self, table: str) -> bool:
        """Return whether rows of a table were ever written."""
        return any(name == table and batch >= 0 for (_, name), batch in self.newest_batch_with_rows.items())

    def add(self, origin: dict[str, Any], metrics: dict[str, Any]) -> None:
        """Add what an event counts."""
        written = metrics.get("num_output_rows", 0)
        self.rows[origin["dataset_name"]] += written - metrics.get("num_deleted_rows", 0)
        if origin["flow_id"] is not None and origin["batch_id"] is not None:
            key = (origin["flow_id"], origin["dataset_name"])
            self.newest_batch[key] = max(self.newest_batch[key], origin["batch_id"])
            if written:
                self.newest_batch_with_rows[key] = max(self.newest_batch_with_rows[key], origin["batch_id"])


class EventLog:
    """Writes events to the table, in order, within a second after they were emitted.

    A process that dies loses the events of its last second. Events that count rows are flushed before the flow's
    position moves, so a batch whose event is missing runs again.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._buffer: list[Event] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._lock = threading.RLock()
        self._sequence = 0
        self._timer: threading.Timer | None = None
        self._counted: frozenset[str] | None = None

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Have a function called with every event as soon as it is emitted.

        A function that raises is not called again; its failure becomes an event.
        """
        self._listeners.append(listener)

    def emit(
        self,
        origin: Origin,
        event_type: str,
        message: str,
        details: dict[str, Any],
        *,
        level: Level = "INFO",
        error: BaseException | None = None,
        event_id: str | None = None,
        maturity_level: str = "STABLE",
    ) -> Event:
        """Buffer an event, pass it to the listeners and return it; it is written within a second.

        Raises:
            EnvironmentFaultError: The existing table cannot be read.
        """
        with self._lock:
            moment = self._clock.now()
            self._sequence = self._sequence or self._newest_sequence()
            self._sequence = max(self._sequence + 1, int(moment.timestamp() * 1_000_000))
            event = Event(
                origin, event_type, message, level, details, moment, self._sequence, error=error,
                maturity_level=maturity_level, **({"id": event_id} if event_id else {}),
            )  # fmt: skip
            self._buffer.append(event)
            if self._timer is None:
                self._timer = threading.Timer(LONGEST_BUFFERED.total_seconds(), self._flush_in_background)
                self._timer.daemon = True
                self._timer.start()
        for listener in [*self._listeners]:
            try:
                listener(event)
            except Exception as raised:  # noqa: BLE001 - a listener must not stop what it listens to
                self._dismiss(listener, origin, raised)
        return event

    def _dismiss(self, listener: Callable[[Event], None], origin: Origin, error: Exception) -> None:
        """Stop calling a listener that has raised."""
        self._listeners.remove(listener)
        name = getattr(listener, "__qualname__", type(listener).__name__)
        reason = f"{type(error).__name__}: {error}"
        details = {"name": name, "status": "FAILED", "destination": "listener", "reason": reason}
        about = Origin(origin.pipeline_id, origin.pipeline_name, origin.update_id)
        self.emit(about, "hook_progress", f"{name} gets no more events: it raised {reason}.", details, level="WARN")

    def flush(self) -> None:
        """Write the buffered events.

        Raises:
            EnvironmentFaultError: The table cannot be written.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._buffer:
                self._write([event.row() for event in self._buffer])
                if self._counted is not None:
                    self._counted |= {event.id for event in self._buffer if event.level == "METRICS"}
                self._buffer.clear()

    def counted_ids(self) -> frozenset[str]:
        """Return the ids of the flushed events that count rows.

        The table is read once, because no other process writes to it while an update runs.
        """
        with self._lock:
            if self._counted is None:
                self._counted = self._counted_before()
            return self._counted

    def _counted_before(self) -> frozenset[str]:
        table = self._table()
        return frozenset(table.rows(["id"], "level = 'METRICS'")["id"].to_pylist() if table else ())

    def totals(self) -> Totals:
        """Return the rows and batches of each table, as flushed events count them."""
        totals = Totals()
        table = self._table()
        rows = table.rows(["origin", "details"], _COUNTING).to_pylist() if table else []
        for event in rows:
            totals.add(event["origin"], json.loads(event["details"])["flow_progress"].get("metrics", {}))
        return totals

    def _newest_sequence(self) -> int:
        """Return the greatest sequence in the table; the clock may have been set back since."""
        table = self._table()
        return 0 if table is None else table.greatest("sequence") or 0

    def _table(self) -> Snapshot | None:
        try:
            # While another thread creates the table, its first file exists before its log.
            with self._lock:
                snapshot = Table(self.path).opened()
                if snapshot.log is not None:
                    return snapshot
                if not any(self.path.glob("*.parquet")):
                    return None
            problem = f"The event log {self.path} has lost its _delta_log."
        except TABLE_ERRORS as error:
            problem = f"The event log {self.path} cannot be read: {error}."
        raise DamagedStateError(problem, _DAMAGED_REMEDY)

    def _flush_in_background(self) -> None:
        try:
            self.flush()
        except EnvironmentFaultError:
            # Nobody waits for this thread. The buffer keeps the events, and the next flush raises.
            with self._lock:
                self._timer = None

    def _write(self, rows: list[dict[str, Any]]) -> None:
        try:
            reach(FaultPoint.EVENT_LOG_WRITE)
            state_table.append(self.path, pa.Table.from_pylist(rows, schema=SCHEMA))
        except TABLE_ERRORS as error:
            problem = f"The event log {self.path} cannot be written: {error}."
            remedy = "Free space or repair the permissions, then run the update again; no row is lost."
            raise EnvironmentFaultError(problem, remedy) from error
