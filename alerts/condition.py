"""The condition applied to a query's result: a state, a value, and a state for each row."""

from __future__ import annotations

import math
import operator
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alerts.model import NULL_TESTS, Aggregation, AlertSpec, Operator, State
from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.warehouse.hive import Result

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
}
_EQUALITIES = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
_WORST_LAST = [State.OK, State.ERROR, State.TRIGGERED]
_OF_NUMBERS: dict[Aggregation, Callable[[Any], Any]] = {
    Aggregation.SUM: sum,
    Aggregation.AVG: statistics.fmean,
    Aggregation.MEDIAN: statistics.median,
    Aggregation.STDDEV: lambda values: statistics.stdev(values) if len(values) > 1 else None,
}


class ConditionError(AuthorError):
    """The condition cannot be applied to what the query returned."""


@dataclass(frozen=True)
class Measure:
    """What the condition found in a result.

    Attributes:
        state: The state of the whole result: that of a triggered row, else of a row in error, else OK.
        value: The value that was compared; with `per_row`, that of the first row with the result's state.
        rows: Each row's state, by its value in the column `per_row`; empty without `per_row`.
        reason: Why the state is what it is, unless the condition alone explains it.
    """

    state: State
    value: Any = None
    rows: dict[str, State] = field(default_factory=dict)
    reason: str = ""


def measure(spec: AlertSpec, result: Result) -> Measure:
    """Apply an alert's condition to a result.

    Raises:
        UnknownNameError: The condition or `per_row` names a column that the result lacks.
        ConditionError: A value and its threshold are of different types.
    """
    named = (spec.condition.column, spec.condition.threshold_column, spec.per_row)
    for column in named:
        if column is not None and column not in result.columns:
            kind = "column"
            raise UnknownNameError(kind, column, result.columns, f"{spec.query}'s result")
    if spec.condition.column is None:
        return _by_number_of_rows(spec, result)
    if not result.rows:
        return Measure(spec.empty_result_state or State.ERROR, reason="The query returned no rows.")
    return _by_row(spec, result) if spec.per_row else _by_value(spec, result)


def worst(states: Iterable[State]) -> State:
    """Return the state of a whole whose parts have these states: a triggered part outweighs one in error."""
    return max(states, key=_WORST_LAST.index)


def _by_number_of_rows(spec: AlertSpec, result: Result) -> Measure:
    count = len(result.rows)
    state = _compared(spec, count, spec.condition.threshold)
    names = _column(result, spec.per_row) if spec.per_row else []
    rows = {_row_name(name): State.TRIGGERED for name in names if state is State.TRIGGERED}
    return Measure(state, count, rows)


def _by_value(spec: AlertSpec, result: Result) -> Measure:
    condition = spec.condition
    value = _aggregate(condition.aggregation, _column(result, condition.column))
    bound = _bounds(spec, result)[0]
    state = _compared(spec, value, bound)
    return Measure(state, value, reason=_null_reason(spec, value, bound))


def _by_row(spec: AlertSpec, result: Result) -> Measure:
    values = [_present(value) for value in _column(result, spec.condition.column)]
    bounds = _bounds(spec, result)
    rows: dict[str, State] = {}
    gravest, value, reason = State.OK, values[0], ""
    for raw_name, candidate, bound in zip(_column(result, spec.per_row), values, bounds, strict=True):
        name = _row_name(raw_name)
        state = _compared(spec, candidate, bound)
        rows[name] = worst([state, rows.get(name, State.OK)])
        if worst([gravest, state]) is not gravest:
            gravest, value, reason = state, candidate, _null_reason(spec, candidate, bound)
    return Measure(gravest, value, rows, reason)


def _column(result: Result, name: str | None) -> list[Any]:
    position = list(result.columns).index(name or "")
    return [row[position] for row in result.rows]


def _bounds(spec: AlertSpec, result: Result) -> list[Any]:
    if spec.condition.threshold_column is None:
        return [spec.condition.threshold] * len(result.rows)
    return [_present(value) for value in _column(result, spec.condition.threshold_column)]


def _row_name(value: Any) -> str:
    return "(no name)" if value is None else " ".join(str(value).split())


def _present(value: Any) -> Any:
    """Return a value in a comparable form; None for NULL, NaN and infinity."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def _aggregate(aggregation: Aggregation, column: Sequence[Any]) -> Any:
    if aggregation is Aggregation.FIRST:
        return _present(column[0])
    present = [value for value in map(_present, column) if value is not None]
    if aggregation is Aggregation.COUNT:
        return len(present)
    if aggregation is Aggregation.COUNT_DISTINCT:
        return len(set(present))
    if not present:
        return None
    if aggregation in {Aggregation.MIN, Aggregation.MAX}:
        if len({_kind(value) for value in present}) > 1:
            problem = f"{aggregation} found values of different types."
            raise ConditionError(problem, "Give the column one type in the query.")
        return min(present) if aggregation is Aggregation.MIN else max(present)
    for value in present:
        if _kind(value) != "number":
            problem = f"{aggregation} needs numbers; got {value!r}, a {_kind(value)}."
            raise ConditionError(problem, "Cast the column in the query, or name another one.")
    return _OF_NUMBERS[aggregation](present)


def _compared(spec: AlertSpec, value: Any, bound: Any) -> State:
    how = spec.condition.operator
    if how in NULL_TESTS:
        return State.TRIGGERED if (value is None) == (how is Operator.IS_NULL) else State.OK
    if value is None or bound is None:
        return spec.null_state
    same_kind = _kind(value) == _kind(bound)
    if not same_kind or (_kind(value) == "boolean" and how not in _EQUALITIES):
        problem = f"`{spec.condition}` compares {value!r}, a {_kind(value)}, with {bound!r}, a {_kind(bound)}."
        raise ConditionError(problem, "Give both the same type: cast in the query, or change the threshold.")
    return State.TRIGGERED if _COMPARE[how](value, bound) else State.OK


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def _null_reason(spec: AlertSpec, value: Any, bound: Any) -> str:
    if spec.condition.operator in NULL_TESTS or (value is not None and bound is not None):
        return ""
    return f"A value that `{spec.condition}` needs is missing: NULL, NaN or infinite."
