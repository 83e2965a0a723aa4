"""The Delta table `alert_evaluations`: one row per evaluation."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pydantic import BaseModel

from alerts.lock import held
from pipeline import state_table
from pipeline.arrow import arrow_dataset
from pipeline.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = pa.schema(
    [
        ("alert", pa.string()),
        ("evaluated_at", pa.timestamp("us", tz="UTC")),
        ("state", pa.string()),
        ("value", pa.string()),
        ("rows", pa.int64()),
        ("notification_id", pa.string()),
        ("notified", pa.bool_()),
        ("destination", pa.string()),
        ("delivery_error", pa.string()),
        ("evaluation_id", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("severity", pa.string()),
        ("reason", pa.string()),
        ("row_states", pa.string()),
        ("duration_ms", pa.int64()),
    ]
)
_T = TypeVar("_T")


class Row(BaseModel):
    """One evaluation.

    Attributes:
        alert: The alert's name.
        evaluated_at: When it took place, by the machine's clock.
        state: OK, TRIGGERED or ERROR.
        value: What the condition compared, as text.
        rows: How many rows the query returned; None when it failed.
        notification_id: The notification it asked for; None when there was nothing to tell.
        notified: Whether every destination has taken that notification, at once or by a later retry.
        destination: Where it went or goes.
        delivery_error: Why it is not yet delivered; None when it is, or when there is nothing to deliver.
        evaluation_id: Tells evaluations apart.
        as_of: The moment that `:now` stood for; differs from `evaluated_at` when the clock was moved by hand.
        severity: The alert's severity.
        reason: What a reader has to know besides the condition.
        row_states: JSON: the state of each row's owner.
        duration_ms: How long the warehouse and the decision took.
    """

    alert: str
    evaluated_at: datetime
    state: str
    value: str | None
    rows: int | None
    notification_id: str | None = None
    notified: bool = False
    destination: str | None = None
    delivery_error: str | None = None
    evaluation_id: str
    as_of: datetime
    severity: str
    reason: str
    row_states: str
    duration_ms: int


class HistoryError(EnvironmentFaultError):
    """The table of evaluations cannot be read or written."""


class History:
    """The table of evaluations in a lakehouse. It is made by the first evaluation.

    Args:
        home: The lakehouse's folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "smart_factory" / "alert_evaluations"
        self._lock = home / "state" / "alerts" / "history.lock"

    def append(self, row: Row) -> None:
        """Add an evaluation in one commit; one writer at a time."""
        rows = pa.Table.from_pylist([row.model_dump()], schema=SCHEMA)

        def write() -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with held(self._lock):
                state_table.append(self._path, rows)

        self._guarded(write)

    def holds(self, evaluation_id: str) -> bool:
        """Return whether an evaluation is recorded."""
        return bool(self._read(pc.field("evaluation_id") == evaluation_id))

    def mark_delivered(self, evaluation_id: str, destination: str) -> None:
        """Record that an earlier evaluation's notification has arrived after all."""
        quoted = destination.replace("'", "''")
        values = {"notified": "true", "destination": f"'{quoted}'", "delivery_error": "CAST(NULL AS STRING)"}

        def write() -> None:
            with held(self._lock):
                DeltaTable(self._path).update(updates=values, predicate=f"evaluation_id = '{evaluation_id}'")

        self._guarded(write)

    def latest(self, alert: str, most: int = 1) -> list[Row]:
        """Return an alert's last evaluations, newest first; none when it has none or there is no table."""
        return self._newest(pc.field("alert") == alert, most)

    def newest(self, most: int) -> list[Row]:
        """Return the last evaluations of all alerts, newest first."""
        return self._newest(None, most)

    def _newest(self, wanted: pc.Expression | None, most: int) -> list[Row]:
        rows = sorted(self._read(wanted), key=lambda row: row["evaluated_at"], reverse=True)
        return [Row.model_validate(row) for row in rows[:most]]

    def _read(self, wanted: pc.Expression | None) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            try:
                table = DeltaTable(self._path)
            except TableNotFoundError:
                return []
            rows: list[dict[str, Any]] = arrow_dataset(table).to_table(filter=wanted).to_pylist()
            return rows

        return self._guarded(read) if self._path.exists() else []

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except (DeltaError, OSError, pa.ArrowException) as error:
            problem = f"The table {self._path} cannot be used: {error}."
            raise HistoryError(problem, "Look at its folder's rights and the disk's free space.") from error
