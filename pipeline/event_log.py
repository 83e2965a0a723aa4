"""The append-only record of every update: a Delta table with the original's columns and event types."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline import state_table
from pipeline.arrow import arrow_dataset, greatest
from pipeline.balance import Record, on_record
from pipeline.errors import DamagedStateError, EnvironmentFaultError, told_causes
from pipeline.fault_points import FaultPoint, reach

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.clock import Clock

Level = Literal["INFO", "WARN", "ERROR", "METRICS"]
LONGEST_BUFFERED = timedelta(seconds=1)

_DAMAGED_REMEDY = (
    "Restore the folder, repair its permissions, or move it away and `python -m pipeline run --full-refresh-all`."
)
_TIMESTAMP = pa.timestamp("us", tz="UTC")
_ORIGIN = pa.struct(
    [
        ("pipeline_type", pa.string()),
        ("pipeline_id", pa.string()),
        ("pipeline_name", pa.string()),
        ("update_id", pa.string()),
        ("dataset_name", pa.string()),
        ("flow_id", pa.string()),
        ("flow_name", pa.string()),
        ("batch_id", pa.int64()),
    ]
)
_EXCEPTION = pa.struct([("class_name", pa.string()), ("message", pa.string())])
_ERROR = pa.struct([("fatal", pa.bool_()), ("exceptions", pa.list_(_EXCEPTION))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("sequence", pa.int64()),
        ("origin", _ORIGIN),
        ("timestamp", _TIMESTAMP),
        ("message", pa.string()),
        ("level", pa.string()),
        ("maturity_level", pa.string()),
        ("error", _ERROR),
        ("details", pa.string()),
        ("event_type", pa.string()),
    ]
)


@dataclass(frozen=True)
class Origin:
    """What an event is about; fields that do not apply are None."""

    pipeline_id: str
    pipeline_name: str
    update_id: str | None = None
    dataset_name: str | None = None
    flow_id: str | None = None
    flow_name: str | None = None
    batch_id: int | None = None
    pipeline_type: str = "WORKSPACE"


@dataclass(frozen=True)
class Event:
    """One row of the event log.

    Attributes:
        id: Unique; events that tell of a batch have an id made of the batch's key, so that telling twice is
            noticed.
        sequence: Grows from event to event, across updates too.
        details: What happened, under the name of the event's type.
    """

    origin: Origin
    event_type: str
    message: str
    level: Level
    details: dict[str, Any]
    timestamp: datetime
    sequence: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: BaseException | None = None
    maturity_level: str = "STABLE"

    def row(self) -> dict[str, Any]:
        """Return the event as a row of the table."""
        return {
            "id": self.id,
            "sequence": self.sequence,
            "origin": asdict(self.origin),
            "timestamp": self.timestamp,
            "message": self.message,
            "level": self.level,
            "maturity_level": self.maturity_level,
            "error": _error_struct(self.error),
            "details": json.dumps({self.event_type: self.details}, default=str),
            "event_type": self.event_type,
        }


class EventLog:
    """Writes events to the table, in order, at the latest a second after they were told.

    Events that were told when the process dies are lost for at most that second; whatever counts rows is
    flushed before the flow's position moves, so that a batch whose event is missing is run again.
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
        """Have a function called with every event at the moment it is told."""
        self._listeners.append(listener)

    def tell(
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
        """Take in an event; it is written within a second.

        Raises:
            EnvironmentFaultError: The table that there is cannot be read.
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
        for listener in self._listeners:
            listener(event)
        return event

    def flush(self) -> None:
        """Write what is buffered.

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
        """Return the ids of events in the table that count rows, read once: nobody else writes while an update runs."""
        with self._lock:
            if self._counted is None:
                self._counted = self._counted_before()
            return self._counted

    def _counted_before(self) -> frozenset[str]:
        table = self._table()
        if table is None:
            return frozenset()
        # Unfiltered: what has rewritten a file may have chosen another type of text.
        texts = pa.schema([("id", pa.string()), ("level", pa.string())])
        events = arrow_dataset(table).to_table(texts.names).cast(texts)
        return frozenset(events.filter(pc.equal(events["level"], "METRICS"))["id"].to_pylist())

    def record(self) -> Record:
        """Return what the log tells of the tables' rows."""
        return on_record(self._table())

    def _newest_sequence(self) -> int:
        """Return the greatest sequence in the table: a clock may have been set back since."""
        table = self._table()
        return 0 if table is None else greatest(table, "sequence") or 0

    def _table(self) -> DeltaTable | None:
        try:
            # While another thread makes the table, its first file is there before its log.
            with self._lock:
                if DeltaTable.is_deltatable(str(self.path)):
                    return DeltaTable(self.path)
                if not any(self.path.glob("*.parquet")):
                    return None
            problem = f"The event log {self.path} has lost its _delta_log."
        except (DeltaError, OSError) as error:
            problem = f"The event log {self.path} cannot be read: {error}."
        raise DamagedStateError(problem, _DAMAGED_REMEDY)

    def _flush_in_background(self) -> None:
        try:
            self.flush()
        except EnvironmentFaultError:
            # Nobody waits for this thread: the buffer keeps the events and the next flush says what is wrong.
            with self._lock:
                self._timer = None

    def _write(self, rows: list[dict[str, Any]]) -> None:
        try:
            reach(FaultPoint.EVENT_LOG_WRITE)
            state_table.append(self.path, pa.Table.from_pylist(rows, schema=SCHEMA))
        except (DeltaError, OSError) as error:
            problem = f"The event log {self.path} cannot be written: {error}."
            remedy = "Free space or repair the permissions, then run the update again; no row is lost."
            raise EnvironmentFaultError(problem, remedy) from error


def _error_struct(error: BaseException | None) -> dict[str, Any] | None:
    return None if error is None else {"fatal": True, "exceptions": told_causes(error)}
