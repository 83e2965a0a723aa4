"""What an alert asks the warehouse, and the answer: the query's result and how new the data is, or an error."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alerts.decide import Freshness, Observation
from pipeline.foundation.errors import AuthorError, LakehouseError, UnknownNameError
from pipeline.warehouse.hive import Result, Warehouse, refusal

if TYPE_CHECKING:
    from alerts.model import Alert
    from pipeline.foundation.clock import Clock

# Strings, quoted names and comments match first: `:now` inside them is not a parameter. A colon after a name or a
# bracket extracts from JSON, and two colons are a cast.
_TOKEN = re.compile(
    r"""
      '(?:[^'\\]|\\.|'')*'
    | "(?:[^"\\]|\\.|"")*"
    | `(?:[^`]|``)*`
    | --[^\n]*
    | /\*.*?\*/
    | (?<![\w:)\]`'"]):(?P<parameter>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def with_moment(sql: str, now: datetime, where: str) -> str:
    """Return the query with each `:now` replaced by a timestamp literal in UTC, without a trailing semicolon.

    The literal has an offset, so the warehouse's session time zone does not matter.

    Args:
        sql: The query as its author wrote it.
        now: A moment with a time zone.
        where: The file that an error names.

    Raises:
        UnknownNameError: The text has a parameter other than `:now`.
    """
    literal = f"TIMESTAMP '{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00'"

    def replace(match: re.Match[str]) -> str:
        parameter = match["parameter"]
        if parameter is None:
            return match[0]
        if parameter != "now":
            kind = "parameter"
            raise UnknownNameError(kind, f":{parameter}", [":now"], where)
        return literal

    return _TOKEN.sub(replace, sql).strip().rstrip(";").rstrip()


def observe(alert: Alert, warehouse: Warehouse, as_of: datetime, clock: Clock) -> Observation:
    """Return what the warehouse answers; an error of any kind becomes part of the observation.

    Args:
        alert: The alert.
        warehouse: Answers its queries.
        as_of: The moment that replaces `:now`.
        clock: The machine's clock. The age of the data is measured at its time, or at `as_of` if that is earlier:
            an evaluation as of the future must not make the data stale, one as of the past must not count later data.
    """
    try:
        result = warehouse.query(with_moment(alert.sql, as_of, alert.spec.query))
        if alert.spec.freshness is None:
            return Observation(result)
        answer = warehouse.query(with_moment(alert.spec.freshness, as_of, "freshness"))
        return Observation(result, Freshness(_newest(answer), min(as_of, clock.now())))
    except LakehouseError as error:
        return Observation(error=error)
    except Exception as error:  # noqa: BLE001 - whatever a warehouse raises, the alert must become ERROR
        return Observation(error=refusal(str(error) or type(error).__name__))


def _newest(answer: Result) -> datetime | None:
    value: Any = answer.rows[0][0] if answer.rows and len(answer.columns) == 1 else None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if len(answer.columns) != 1 or not (value is None or hasattr(value, "__float__")):
        problem = f"`freshness` must return one column with epoch seconds or a timestamp; got {value!r}."
        raise AuthorError(problem, "Correct the query of `freshness`.")
    return None if value is None else datetime.fromtimestamp(float(value), UTC)
