"""What the warehouse says of an alert: the query's result and how new the data is, or an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alerts.decide import Freshness, Observation
from alerts.statement import with_moment
from alerts.warehouse import Result, Warehouse, refusal
from pipeline.errors import AuthorError, LakehouseError

if TYPE_CHECKING:
    from alerts.model import Alert
    from pipeline.clock import Clock


def observe(alert: Alert, warehouse: Warehouse, as_of: datetime, clock: Clock) -> Observation:
    """Return what the warehouse answers, or the error that stands in its place.

    Args:
        alert: The alert.
        warehouse: Answers its queries.
        as_of: What `:now` stands for.
        clock: The age of the data is counted to its present, or to `as_of` when that is earlier: a clock
            moved ahead by hand makes no pipeline dead, a clock moved back makes none that had not begun.
    """
    try:
        result = warehouse.query(with_moment(alert.sql, as_of, alert.spec.query))
        if alert.spec.freshness is None:
            return Observation(result)
        answer = warehouse.query(with_moment(alert.spec.freshness, as_of, "freshness"))
        return Observation(result, Freshness(_newest(answer), min(as_of, clock.now())))
    except LakehouseError as error:
        return Observation(error=error)
    except Exception as error:  # noqa: BLE001 - whatever a warehouse raises, the alert must read as ERROR
        return Observation(error=refusal(str(error) or type(error).__name__))


def _newest(answer: Result) -> datetime | None:
    value: Any = answer.rows[0][0] if answer.rows and len(answer.columns) == 1 else None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if len(answer.columns) != 1 or not (value is None or hasattr(value, "__float__")):
        problem = f"`freshness` must return one column with epoch seconds or a timestamp; got {value!r}."
        raise AuthorError(problem, "Correct the query of `freshness`.")
    return None if value is None else datetime.fromtimestamp(float(value), UTC)
