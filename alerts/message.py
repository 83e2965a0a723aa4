"""A message's subject and text, from an alert's templates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerts.decide import Decision
from alerts.model import AlertSpec, State
from alerts.warehouse import Result
from pipeline.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TABLE_ROWS = 100
_WIDEST_CELL = 80
_LONGEST_SUBJECT = 200
_BLANK_LINES = re.compile(r"\n\s*\n")
_EMPTY = Result((), ())
_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=False)


@dataclass(frozen=True)
class Message:
    """What a reader gets.

    Attributes:
        subject: One line.
        body: Plain text.
        kind: Apprise's type: failure, success, warning or info.
    """

    subject: str
    body: str
    kind: str


_KINDS = {State.TRIGGERED: "failure", State.OK: "success", State.ERROR: "warning", State.UNKNOWN: "info"}


def compose(spec: AlertSpec, decision: Decision, result: Result | None, now: datetime) -> Message:
    """Return the message that tells of a decision.

    Args:
        spec: What the alert says.
        decision: What is to be told.
        result: What the query returned; None when it failed.
        now: The moment of the evaluation.

    Raises:
        AuthorError: A template fails.
    """
    variables = variables_of(spec, decision, result or _EMPTY, now)
    subject = " ".join(_render(spec.subject, variables, "subject").split())[:_LONGEST_SUBJECT]
    body = _BLANK_LINES.sub("\n\n", _render(spec.body, variables, "body")).strip()
    return Message(subject, body, _KINDS[decision.state])


def check_templates(spec: AlertSpec, now: datetime, where: str) -> None:
    """Try the templates out with an invented decision of each kind.

    Raises:
        AuthorError: A template names an unknown variable or fails in another way.
    """
    names = [name for name in (spec.per_row, spec.condition.column) if name] or ["column"]
    sample = Result(names, [["sample"] * len(names)])
    for state in State:
        rows = ("sample",) if state is State.TRIGGERED else ()
        decision = Decision(state, value=1, newly=rows, still=rows, recovered=rows, reason="Sample.")
        try:
            compose(spec, decision, sample, now)
        except UnknownNameError as error:
            kind = "template variable"
            raise UnknownNameError(kind, error.name, error.known, where) from None
        except AuthorError as error:
            problem = f"{where}: {error.problem}"
            raise AuthorError(problem, error.remedy) from None


def text_table(result: Result) -> str:
    """Return the first hundred rows as aligned text, and a line that says how many more there are."""
    shown = [[_cell(value) for value in row] for row in result.rows[:MOST_TABLE_ROWS]]
    lines = [list(map(str, result.columns)), *shown]
    widths = [max(len(line[position]) for line in lines) for position in range(len(result.columns))]
    text = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "-+-".join("-" * width for width in widths))
    left_out = len(result.rows) - len(shown)
    return "\n".join([*text, f"… and {left_out} more rows"] if left_out else text)


def variables_of(spec: AlertSpec, decision: Decision, result: Result, now: datetime) -> dict[str, Any]:
    """Return the templates' variables."""
    condition = spec.condition
    bound = condition.threshold if condition.threshold_column is None else condition.threshold_column
    return {
        "ALERT_NAME": spec.name,
        "ALERT_STATUS": str(decision.state),
        "ALERT_CONDITION": str(condition),
        "ALERT_THRESHOLD": "" if bound is None else bound,
        "ALERT_COLUMN": condition.column or "number of rows",
        "QUERY_RESULT_VALUE": "" if decision.value is None else decision.value,
        "QUERY_RESULT_ROWS": len(result.rows),
        "QUERY_RESULT_COLS": len(result.columns),
        "QUERY_RESULT_TABLE": text_table(_in_order(spec, result)) if result.columns else "",
        "SEVERITY": spec.severity,
        "RUNBOOK": spec.runbook,
        "REASON": decision.reason,
        "EVALUATED_AT": f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "newly_hot": _listed(decision.newly),
        "still_hot": _listed(decision.still),
        "recovered": _listed(decision.recovered),
    }


def _in_order(spec: AlertSpec, result: Result) -> Result:
    """Return the rows in order of their owners; a query that leaves the sorting to us is the quicker one."""
    if spec.per_row is None or spec.per_row not in result.columns:
        return result
    position = list(result.columns).index(spec.per_row)
    return Result(result.columns, sorted(result.rows, key=lambda row: str(row[position])))


def _listed(owners: Sequence[str]) -> list[str]:
    left_out = len(owners) - MOST_TABLE_ROWS
    return [*owners[:MOST_TABLE_ROWS], f"{left_out} more"] if left_out > 0 else list(owners)


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def _render(template: str, variables: dict[str, Any], which: str) -> str:
    try:
        return _SANDBOX.from_string(template).render(variables)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        name = _undefined_name(error)
        if name is not None and name not in variables:
            kind = "variable"
            raise UnknownNameError(kind, name, variables, f"The {which}'s template") from None
        problem = f"The {which}'s template fails: {error}."
        raise AuthorError(problem, f"Correct `{which}`; docs/alerts.md lists the variables.") from None


def _undefined_name(error: Exception) -> str | None:
    text = str(error)
    return text.split("'")[1] if text.endswith("' is undefined") else None
