"""A message's subject and body, rendered from an alert's templates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alerts.decide import Decision
from alerts.model import DEFAULT_BODY, DEFAULT_SUBJECT, AlertSpec, State
from alerts.render_process import rendered
from alerts.rendering import RENDERER
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.notification.destination import Message
from pipeline.warehouse.hive import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TABLE_ROWS = 100
_WIDEST_CELL = 80
_LONGEST_SUBJECT = 200
_LONGEST_VALUE = 2_000
_BLANK_LINES = re.compile(r"\n\s*\n")
_EMPTY = Result((), ())
_KINDS = {State.TRIGGERED: "failure", State.OK: "success", State.ERROR: "warning", State.UNKNOWN: "info"}


def compose(spec: AlertSpec, decision: Decision, result: Result | None, now: datetime) -> Message:
    """Return the message about a decision.

    Args:
        spec: The alert's declaration.
        decision: What was decided.
        result: What the query returned; None when it failed.
        now: The moment of the evaluation.

    Raises:
        AuthorError: A template fails.
    """
    variables = variables_of(spec, decision, result or _EMPTY, now)
    return _message(decision.state, _render(spec.subject, variables, "subject"), _render(spec.body, variables, "body"))


def plain_message(spec: AlertSpec, decision: Decision, result: Result | None, now: datetime) -> Message:
    """Return the message about a decision in the words that every alert has; it does not use the alert's templates."""
    variables = variables_of(spec, decision, result or _EMPTY, now)
    return _message(decision.state, rendered(DEFAULT_SUBJECT, variables)[1], rendered(DEFAULT_BODY, variables)[1])


def _message(state: State, subject: str, body: str) -> Message:
    return Message(" ".join(subject.split())[:_LONGEST_SUBJECT], _BLANK_LINES.sub("\n\n", body).strip(), _KINDS[state])


def check_templates(spec: AlertSpec, now: datetime, where: str) -> None:
    """Render the templates with a sample decision of each state.

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
    """Return the first hundred rows as aligned text, with a last line that counts the rest."""
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
    newly, still = _listed(decision.newly), _listed(decision.still)
    return {
        "ALERT_NAME": spec.name,
        "ALERT_STATUS": str(decision.state),
        "ALERT_CONDITION": spec.condition_text,
        "ALERT_THRESHOLD": "" if bound is None else bound,
        "ALERT_COLUMN": condition.column or "number of rows",
        "QUERY_RESULT_VALUE": "" if decision.value is None else _cut(decision.value),
        "QUERY_RESULT_ROWS": len(result.rows),
        "QUERY_RESULT_COLS": len(result.columns),
        "QUERY_RESULT_TABLE": text_table(_in_order(spec, result)) if result.columns else "",
        "SEVERITY": spec.severity,
        "RUNBOOK": spec.runbook,
        "REASON": _cut(decision.reason),
        "EVALUATED_AT": f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "newly_triggered": newly,
        "still_triggered": still,
        "recovered": _listed(decision.recovered),
        # The names that these lists had first; existing templates use them.
        "newly_hot": newly,
        "still_hot": still,
    }


def _in_order(spec: AlertSpec, result: Result) -> Result:
    """Return the rows sorted by their names, so that the query need not sort them."""
    if spec.per_row is None or spec.per_row not in result.columns:
        return result
    position = list(result.columns).index(spec.per_row)
    return Result(result.columns, sorted(result.rows, key=lambda row: str(row[position])))


def _listed(owners: Sequence[str]) -> list[str]:
    left_out = len(owners) - MOST_TABLE_ROWS
    shown = [str(_cut(owner)) for owner in owners[:MOST_TABLE_ROWS]]
    return [*shown, f"{left_out} more"] if left_out > 0 else shown


def _cut(value: Any) -> Any:
    is_long = isinstance(value, str) and len(value) > _LONGEST_VALUE
    return f"{value[:_LONGEST_VALUE]}… of {len(value):,} characters" if is_long else value


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def _render(template: str, variables: dict[str, Any], which: str) -> str:
    outcome, text = RENDERER.render(template, variables)
    if outcome == "text":
        return text
    name = text.split("'")[1] if text.endswith("' is undefined") else None
    if outcome == "undefined" and name is not None and name not in variables:
        kind = "variable"
        raise UnknownNameError(kind, name, variables, f"The {which}'s template")
    problem = f"The {which}'s template fails: {text.rstrip('.')}."
    raise AuthorError(problem, f"Correct `{which}`; docs/alerts.md lists the variables.")
