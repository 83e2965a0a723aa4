"""One alert: its query, when it triggers, and where notifications go."""

from __future__ import annotations

import json
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

from alerts.schedule import PositiveDuration, Schedule, in_words
from pipeline.foundation.clock import read_duration


class State(StrEnum):
    """What an evaluation found. `UNKNOWN` is an alert that was never evaluated."""

    UNKNOWN = "UNKNOWN"
    OK = "OK"
    TRIGGERED = "TRIGGERED"
    ERROR = "ERROR"


class Operator(StrEnum):
    """How the value is compared with the threshold; a condition may write the name or the symbol."""

    symbol: str

    EQUAL = "EQUAL", "="
    NOT_EQUAL = "NOT_EQUAL", "!="
    GREATER_THAN = "GREATER_THAN", ">"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL", ">="
    LESS_THAN = "LESS_THAN", "<"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL", "<="
    IS_NULL = "IS_NULL", "is null"
    IS_NOT_NULL = "IS_NOT_NULL", "is not null"

    def __new__(cls, name: str, symbol: str) -> Self:
        """Return the operator whose value is its name."""
        member = str.__new__(cls, name)
        member._value_, member.symbol = name, symbol
        return member


class Aggregation(StrEnum):
    """How a column becomes one value. `FIRST` takes the first row's: give the query an ORDER BY."""

    FIRST = "FIRST"
    SUM = "SUM"
    COUNT = "COUNT"
    COUNT_DISTINCT = "COUNT_DISTINCT"
    AVG = "AVG"
    MEDIAN = "MEDIAN"
    MIN = "MIN"
    MAX = "MAX"
    STDDEV = "STDDEV"


NULL_TESTS = frozenset({Operator.IS_NULL, Operator.IS_NOT_NULL})
_BY_SYMBOL = {operator.symbol: operator for operator in Operator}

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
        column: The column to compare. Without one, the number of rows is compared.
        aggregation: How the column becomes one value. Defaults to `FIRST`.
        operator: How the value is compared; the name or its symbol.
        threshold: The value to compare with.
        threshold_column: A column of the same row to compare with instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    aggregation: Aggregation = Aggregation.FIRST
    operator: Annotated[Operator, BeforeValidator(_read_operator)]
    threshold: Threshold | None = None
    threshold_column: str | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        bounds = [bound for bound in (self.threshold, self.threshold_column) if bound is not None]
        if self.operator in NULL_TESTS and bounds:
            msg = f"{self.operator} takes no threshold; leave it out."
            raise ValueError(msg)
        if self.operator not in NULL_TESTS and len(bounds) != 1:
            msg = f"{self.operator} needs either `threshold` or `threshold_column`."
            raise ValueError(msg)
        if self.threshold_column and self.aggregation is not Aggregation.FIRST:
            msg = "`threshold_column` compares within the first row; leave `aggregation` out."
            raise ValueError(msg)
        if self.column is None:
            self._check_row_count()
        return self

    def _check_row_count(self) -> None:
        is_number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if self.aggregation is not Aggregation.FIRST or not is_number:
            msg = "Without `column` the number of rows is compared: give a number as `threshold`, and no aggregation."
            raise ValueError(msg)

    def __str__(self) -> str:
        """Return the condition for readers, such as `number of rows > 0`."""
        subject = "number of rows" if self.column is None else self.column
        if self.aggregation is not Aggregation.FIRST:
            subject = f"{self.aggregation}({subject})"
        bound = self.threshold if self.threshold_column is None else self.threshold_column
        return f"{subject} {self.operator.symbol}" + ("" if bound is None else f" {bound}")


DEFAULT_SUBJECT = "[{{ ALERT_STATUS }}] {{ ALERT_NAME }}"
DEFAULT_BODY = """\
{{ ALERT_NAME }} is {{ ALERT_STATUS }} ({{ SEVERITY }}) as of {{ EVALUATED_AT }}.
Condition: {{ ALERT_CONDITION }}; value: {{ QUERY_RESULT_VALUE }}.
{% if REASON %}{{ REASON }}
{% endif %}{% if newly_triggered %}New: {{ newly_triggered | join(", ") }}
{% endif %}{% if still_triggered %}Still: {{ still_triggered | join(", ") }}
{% endif %}{% if recovered %}Recovered: {{ recovered | join(", ") }}
{% endif %}{% if QUERY_RESULT_ROWS %}
{{ QUERY_RESULT_TABLE }}
{% endif %}{% if RUNBOOK %}
What to do: {{ RUNBOOK }}
{% endif %}"""


class AlertSpec(BaseModel):
    """An alert's YAML file. Unknown keys are refused.

    Attributes:
        name: The alert's name for readers; in every message's subject.
        query: The file with the SQL, beside the YAML file. `:now` in it becomes the moment of the evaluation.
        condition: When a result triggers the alert.
        empty_result_state: The state of an empty result when a column is compared. Defaults to ERROR.
        null_state: The state of a NULL, NaN or infinite value. Defaults to ERROR.
        per_row: The column that names rows; rows of each name get a state of their own.
        freshness: A query for the newest moment of the data: epoch seconds or a timestamp in UTC.
        stale_after: The age of that moment beyond which the alert cannot be OK.
        stale_data_state: The state in place of OK when the data is stale.
        schedule: When `watch` evaluates it.
        notify_on_ok: Whether to notify of recoveries.
        pending_for: How long the condition must be met without a break before a row, or the alert, is TRIGGERED.
        retrigger: `once` per trigger, `every evaluation`, or a duration: the shortest time from one notification of a
            row, or of the alert, to the next, also if it was OK meanwhile.
        mute_until: Until then the alert is evaluated and recorded, but sends no notifications.
        severity: How bad it is, for readers.
        runbook: Where readers find what to do.
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
    stale_after: PositiveDuration | None = None
    stale_data_state: Literal[State.TRIGGERED, State.ERROR] = State.ERROR
    schedule: Schedule
    pending_for: PositiveDuration | None = None
    notify_on_ok: bool = False
    retrigger: Annotated[Literal["once", "every evaluation"] | PositiveDuration, BeforeValidator(_read_retrigger)] = (
        "once"
    )
    mute_until: Annotated[datetime | None, BeforeValidator(_read_moment)] = None
    severity: Literal["info", "warning", "critical"] = "warning"
    runbook: str = ""
    destinations: tuple[str, ...] = ()
    subject: str = DEFAULT_SUBJECT
    body: str = DEFAULT_BODY

    @property
    def condition_text(self) -> str:
        """The condition for readers, such as `number of rows > 0 for 5 min`."""
        return f"{self.condition} for {in_words(self.pending_for)}" if self.pending_for else str(self.condition)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.freshness is None) != (self.stale_after is None):
            msg = "`freshness` and `stale_after` belong together: give both or neither."
            raise ValueError(msg)
        if self.condition.column is None and self.empty_result_state is not None:
            msg = "`empty_result_state` needs `column`; without one, an empty result counts as 0 rows."
            raise ValueError(msg)
        if self.per_row and self.condition.aggregation is not Aggregation.FIRST:
            msg = "`per_row` compares each row by itself; leave `aggregation` out."
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class Alert:
    """An alert as read from its two files.

    Attributes:
        key: The YAML file's name without its ending; names the alert's state on disk and the alert in commands.
        spec: The YAML file's content.
        sql: The query's text, still with `:now`.
    """

    key: str
    spec: AlertSpec
    sql: str

    @property
    def declaration(self) -> str:
        """What the table of evaluations says of the alert: JSON with its condition, schedule, query and runbook."""
        facts = {
            "condition": self.spec.condition_text,
            "schedule": str(self.spec.schedule),
            "query": self.sql,
            "runbook": self.spec.runbook,
        }
        return json.dumps(facts, ensure_ascii=False)
