"""One alert: what it asks, when it triggers, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from alerts.schedule import Duration, Schedule, read_duration


class State(StrEnum):
    """What an evaluation found. `UNKNOWN` is an alert that was never evaluated."""

    UNKNOWN = "UNKNOWN"
    OK = "OK"
    TRIGGERED = "TRIGGERED"
    ERROR = "ERROR"


class Operator(StrEnum):
    """How the value is compared with the threshold."""

    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    IS_NULL = "IS_NULL"
    IS_NOT_NULL = "IS_NOT_NULL"


class Aggregation(StrEnum):
    """What makes one value of a column. `FIRST` is the first row's: give the query an ORDER BY."""

    FIRST = "FIRST"
    SUM = "SUM"
    COUNT = "COUNT"
    COUNT_DISTINCT = "COUNT_DISTINCT"
    AVG = "AVG"
    MEDIAN = "MEDIAN"
    MIN = "MIN"
    MAX = "MAX"
    STDDEV = "STDDEV"


SYMBOLS = {
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "!=",
    Operator.GREATER_THAN: ">",
    Operator.GREATER_THAN_OR_EQUAL: ">=",
    Operator.LESS_THAN: "<",
    Operator.LESS_THAN_OR_EQUAL: "<=",
    Operator.IS_NULL: "is null",
    Operator.IS_NOT_NULL: "is not null",
}
_NULL_TESTS = frozenset({Operator.IS_NULL, Operator.IS_NOT_NULL})
_BY_SYMBOL = {symbol: operator for operator, symbol in SYMBOLS.items()}

Threshold = StrictBool | StrictInt | StrictFloat | StrictStr
ONCE = "once"
EVERY_EVALUATION = "every evaluation"


def _read_operator(value: object) -> object:
    return _BY_SYMBOL.get(value, value) if isinstance(value, str) else value


def _read_retrigger(value: object) -> object:
    return value if value in (ONCE, EVERY_EVALUATION) else read_duration(value)


def _read_moment(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


class Condition(BaseModel):
    """When a result triggers the alert.

    Attributes:
        column: The column whose value is judged. Without one the number of rows is.
        aggregation: What makes one value of the column. Defaults to `FIRST`.
        operator: How the value is compared; the name or its symbol.
        threshold: What the value is compared with.
        threshold_column: The column of the same row whose value it is compared with instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    aggregation: Aggregation = Aggregation.FIRST
    operator: Annotated[Operator, BeforeValidator(_read_operator)]
    threshold: Threshold | None = None
    threshold_column: str | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        bounds = [bound for bound in (self.threshold, self.threshold_column) if bound is not None]
        if self.operator in _NULL_TESTS and bounds:
            msg = f"{self.operator} compares with nothing; leave the threshold out."
            raise ValueError(msg)
        if self.operator not in _NULL_TESTS and len(bounds) != 1:
            msg = f"{self.operator} needs either `threshold` or `threshold_column`."
            raise ValueError(msg)
        if self.threshold_column and self.aggregation is not Aggregation.FIRST:
            msg = "`threshold_column` compares within the first row; leave `aggregation` out."
            raise ValueError(msg)
        if self.column is None:
            self._judges_rows()
        return self

    def _judges_rows(self) -> None:
        is_number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if self.aggregation is not Aggregation.FIRST or not is_number:
            msg = "Without `column` the number of rows is judged: give a number as `threshold`, no aggregation."
            raise ValueError(msg)

    def __str__(self) -> str:
        """Return the condition as a reader would say it: `number of rows > 0`."""
        subject = "number of rows" if self.column is None else self.column
        if self.aggregation is not Aggregation.FIRST:
            subject = f"{self.aggregation}({subject})"
        bound = self.threshold if self.threshold_column is None else self.threshold_column
        return f"{subject} {SYMBOLS[self.operator]}" + ("" if bound is None else f" {bound}")


DEFAULT_SUBJECT = "[{{ ALERT_STATUS }}] {{ ALERT_NAME }}"
DEFAULT_BODY = """\
{{ ALERT_NAME }} is {{ ALERT_STATUS }} ({{ SEVERITY }}) as of {{ EVALUATED_AT }}.
Condition: {{ ALERT_CONDITION }}; value: {{ QUERY_RESULT_VALUE }}.
{% if REASON %}{{ REASON }}
{% endif %}{% if newly_hot %}New: {{ newly_hot | join(", ") }}
{% endif %}{% if still_hot %}Still: {{ still_hot | join(", ") }}
{% endif %}{% if recovered %}Recovered: {{ recovered | join(", ") }}
{% endif %}{% if QUERY_RESULT_ROWS %}
{{ QUERY_RESULT_TABLE }}
{% endif %}{% if RUNBOOK %}
What to do: {{ RUNBOOK }}
{% endif %}"""


class AlertSpec(BaseModel):
    """What an alert's YAML file says. An unknown key is refused.

    Attributes:
        name: What readers call it; in every message's subject.
        query: The file with the SQL, beside the YAML. `:now` in it becomes the moment of the evaluation.
        condition: When a result triggers the alert.
        empty_result_state: What no rows mean when a column is judged. Defaults to ERROR.
        null_state: What a missing value (or one that is no finite number) means. Defaults to ERROR.
        per_row: The column that names a row's owner; each gets a state of its own.
        freshness: A query for the newest moment of the data: epoch seconds or a timestamp in UTC.
        stale_after: The age of that moment from which nothing the query says may count as OK.
        stale_data_state: What stale data means.
        schedule: When `watch` evaluates it.
        notify_on_ok: Whether a recovery is told.
        retrigger: `once` per trigger, `every evaluation`, or a duration: again at most that often.
        mute_until: Evaluated and recorded until then, but nobody is told.
        severity: How bad it is, for the reader.
        runbook: Where the reader finds what to do.
        destinations: Tags of the Apprise configuration. None means all of it.
        subject: Jinja2 template of the message's subject.
        body: Jinja2 template of the message's text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    query: str
    condition: Condition
    empty_result_state: Literal[State.OK, State.TRIGGERED, State.ERROR] | None = None
    null_state: Literal[State.OK, State.TRIGGERED, State.ERROR] = State.ERROR
    per_row: str | None = None
    freshness: str | None = None
    stale_after: Duration | None = None
    stale_data_state: Literal[State.TRIGGERED, State.ERROR] = State.ERROR
    schedule: Schedule
    notify_on_ok: bool = False
    retrigger: Annotated[Literal["once", "every evaluation"] | Duration, BeforeValidator(_read_retrigger)] = "once"
    mute_until: Annotated[datetime | None, BeforeValidator(_read_moment)] = None
    severity: Literal["info", "warning", "critical"] = "warning"
    runbook: str = ""
    destinations: tuple[str, ...] = ()
    subject: str = DEFAULT_SUBJECT
    body: str = DEFAULT_BODY

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if (self.freshness is None) != (self.stale_after is None):
            msg = "`freshness` and `stale_after` belong together: how new the data is, how new it must be."
            raise ValueError(msg)
        if self.condition.column is None and self.empty_result_state is not None:
            msg = "`empty_result_state` needs `column`; without one, no rows are the number 0."
            raise ValueError(msg)
        if self.per_row and self.condition.aggregation is not Aggregation.FIRST:
            msg = "`per_row` judges each row by itself; leave `aggregation` out."
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class Alert:
    """An alert as read from its two files.

    Attributes:
        key: The files' common name; it names the alert's state on disk and in commands.
        spec: What the YAML says.
        sql: The query's text, `:now` still in it.
    """

    key: str
    spec: AlertSpec
    sql: str
