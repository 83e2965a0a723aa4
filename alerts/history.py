"""The Delta table `alert_evaluations`: one row per evaluation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, get_args

import pyarrow as pa
from pydantic import BaseModel

from alerts.lock import held
from pipeline.delta import state_table
from pipeline.delta.errors import TABLE_ERRORS
from pipeline.delta.table import Table
from pipeline.foundation.durable_file import create_folder
from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.foundation.sql_names import literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.home.places import Home

_T = TypeVar("_T")


class Row(BaseModel):
    """One evaluation.

    Attributes:
        alert: The alert's name.
        evaluated_at: When it took place, by the machine's clock.
        state: OK, TRIGGERED or ERROR.
        value: The value that the condition compared, as text.
        rows: How many rows the query returned; None when it failed.
        notification_id: The notification that it caused; None when none was due.
        notified: Whether every destination has accepted that notification, at once or in a later retry.
        destination: Where the notification goes.
        delivery_error: Why the notification is not delivered yet; None when it is, or when none was due.
        evaluation_id: Unique for each evaluation.
        as_of: The moment that `:now` became; differs from `evaluated_at` after `check --at`.
        severity: The alert's severity.
        reason: What a reader needs to know besides the condition.
        row_states: JSON: the state of each row, by its `per_row` name.
        duration_ms: How long the warehouse and the decision took.
        declaration: JSON: the alert's condition, schedule, query and runbook. None in rows of older versions.
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
    declaration: str | None = None


_TYPES = {str: pa.string(), datetime: pa.timestamp("us", tz="UTC"), int: pa.int64(), bool: pa.bool_()}
SCHEMA = pa.schema(
    # `str | None` is stored as `str`: every column may be NULL.
    [(name, _TYPES[(get_args(field.annotation) or (field.annotation,))[0]]) for name, field in Row.model_fields.items()]
)


class HistoryError(EnvironmentFaultError):
    """The table of evaluations cannot be read or written."""


class History:
    """The evaluations recorded in one schema of a lakehouse. The first evaluation creates the table.

    Args:
        home: The lakehouse.
        schema: The schema that the alerts query.
    """

    def __init__(self, home: Home, schema: str) -> None:
        self._path = home.schema(schema).alert_evaluations
        self._lock = home.alerts.history_lock

    def append(self, row: Row) -> None:
        """Add an evaluation in one commit; processes take turns."""
        rows = pa.Table.from_pylist([row.model_dump()], schema=SCHEMA)

        def write() -> None:
            create_folder(self._path.parent)
            with held(self._lock):
                state_table.append(self._path, rows)

        self._guarded(write)

    def holds(self, evaluation_id: str) -> bool:
        """Return whether an evaluation is recorded."""
        return bool(self._newest(f"evaluation_id = {literal(evaluation_id)}", 1))

    def mark_delivered(self, evaluation_id: str, destination: str) -> None:
        """Record that an earlier evaluation's notification has been delivered."""
        values = {"notified": "true", "destination": literal(destination), "delivery_error": "CAST(NULL AS STRING)"}

        def write() -> None:
            with held(self._lock):
                state_table.update(self._path, values, f"evaluation_id = {literal(evaluation_id)}")

        self._guarded(write)

    def latest(self, alert: str, most: int = 1) -> list[Row]:
        """Return an alert's last evaluations, newest first; an empty list when there are none."""
        return self._newest(f"alert = {literal(alert)}", most)

    def newest(self, most: int) -> list[Row]:
        """Return the last evaluations of all alerts, newest first."""
        return self._newest(None, most)

    def _newest(self, wanted: str | None, most: int) -> list[Row]:
        def read() -> list[Row]:
            table = Table(self._path)
            found = table.newest("evaluated_at", most, wanted).to_pylist() if table.exists else []
            return [Row.model_validate(row) for row in found]

        return self._guarded(read)

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except TABLE_ERRORS as error:
            problem = f"The table {self._path} cannot be used: {error}."
            raise HistoryError(problem, "Check its folder's permissions and the disk's free space.") from error
