"""A suite's rules, as the engine applies them to rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Collection

Action = Literal["warn", "drop", "fail"]

# Why an expectation with `mostly` is judged on the whole table, and what else its author may want.
OF_SHARE = "`mostly` is a share of the table's rows"
_INSTEAD = {
    OF_SHARE: " To drop each row that violates it, leave `mostly` out; `fail_above` in its meta limits a batch's share."
}


@dataclass(frozen=True)
class Condition:
    """When a row violates an expectation.

    Attributes:
        columns: The columns that the expectation names.
        violated_sql: A Spark SQL condition that is true for violating rows; None until its columns exist.
        when_present: Whether columns may be missing.
    """

    columns: tuple[str, ...]
    violated_sql: str | None
    when_present: bool


@dataclass(frozen=True)
class Rule:
    """A named rule: a row violates it when it violates any of its conditions.

    Attributes:
        name: Its name in reports.
        action: `warn` keeps the row, `drop` leaves it out, `fail` stops the flow.
        why: The reason for the rule, shown in reports.
        fail_above: The share of a batch's rows, from 0 to 1, above which violations stop the flow; or None.
    """

    name: str
    action: Action
    why: str
    conditions: tuple[Condition, ...]
    fail_above: float | None = None

    def violated_sql(self) -> str:
        """Return a Spark SQL condition that is true for violating rows and never NULL."""
        parts = [f"coalesce({part.violated_sql}, false)" for part in self.conditions if part.violated_sql]
        return f"({' or '.join(parts)})" if parts else "false"


@dataclass(frozen=True)
class TableExpectation:
    """An expectation of the table as a whole, which Great Expectations itself judges.

    Attributes:
        name: Its name in reports; several expectations of a suite may share one.
        action: `warn` is reported, `fail` also makes the update fail.
        parameters: The suite parameters that it uses, such as `ago_24h`.
    """

    name: str
    action: Action
    why: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A compiled suite.

    Attributes:
        rules: The rules that are judged row by row, in the suite's order.
        table_expectations: The expectations that need the whole table.
    """

    name: str
    rules: tuple[Rule, ...]
    table_expectations: tuple[TableExpectation, ...]

    def named(self, *actions: Action) -> tuple[str, ...]:
        """Return the names of the rules that have one of the actions."""
        return tuple(rule.name for rule in self.rules if rule.action in actions)


@dataclass(frozen=True)
class RuleMeta:
    """The part of an expectation's `meta` that the engine reads.

    Attributes:
        where: The expectation's file and line, for messages.
    """

    where: str
    name: str
    action: Action
    why: str
    when_present: bool
    fail_above: float | None

    @classmethod
    def of(cls, expectation_type: str, meta: dict[str, Any], where: str) -> RuleMeta:
        """Return what an expectation's `meta` says.

        Raises:
            AuthorError: Name or action is missing or wrong.
        """
        name = meta.get("name") or expectation_type
        action = meta.get("action", "warn")
        if action not in get_args(Action):
            raise UnknownNameError("action", str(action), get_args(Action), f"{where}, expectation `{name}`")
        return cls(
            where=where,
            name=name,
            action=cast("Action", action),
            why=meta.get("why", ""),
            when_present=bool(meta.get("when_present", False)),
            fail_above=_share(meta.get("fail_above"), f"{where}, expectation `{name}`"),
        )


def _share(value: Any, where: str) -> float | None:
    if value is None:
        return None
    text = str(value).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        problem = f"{where}: `fail_above` is {value!r}; expected a share such as 5% or 0.05."
        raise AuthorError(problem, "Correct it in the suite.")
    return share


@dataclass(frozen=True)
class OfTable:
    """An expectation that is judged on the whole table.

    Attributes:
        reason: Why it is not judged row by row.
        parameters: The suite parameters that it uses.
    """

    meta: RuleMeta
    reason: str
    parameters: tuple[str, ...]


def table_expectations(found: list[OfTable], of_rows: Collection[str]) -> tuple[TableExpectation, ...]:
    """Return one table expectation for each name, in the suite's order.

    Args:
        found: The expectations.
        of_rows: The names of the suite's row rules.

    Raises:
        AuthorError: An action does not apply to a whole table, two expectations of one name have different ones, or a
            name is also a row rule's.
    """
    first: dict[str, TableExpectation] = {}
    for item in found:
        meta = item.meta
        place = f"{meta.where}: `{meta.name}` is judged on the whole table, because {item.reason}"
        if meta.action == "drop":
            problem = f"{place}; so `drop` has no row to leave out."
            raise AuthorError(problem, "Make its action `warn` or `fail`." + _INSTEAD.get(item.reason, ""))
        if meta.fail_above is not None:
            raise AuthorError(
                f"{place}; so `fail_above` has nothing to count.", "Use `mostly` in its kwargs, or `fail`."
            )
        if meta.name in of_rows:
            problem = f"{place}, while another expectation of that name is judged row by row."
            raise AuthorError(problem, "Give each of them a `name` of its own in its meta.")
        same = first.setdefault(meta.name, TableExpectation(meta.name, meta.action, meta.why))
        if meta.action != same.action:
            problem = f"{meta.where}: `{meta.name}` is both `{same.action}` and `{meta.action}`."
            raise AuthorError(problem, "Give both expectations of that name one action.")
        parameters = tuple(dict.fromkeys([*same.parameters, *item.parameters]))
        first[meta.name] = replace(same, parameters=parameters)
    return tuple(first.values())


def grouped(conditions: list[tuple[RuleMeta, Condition]], where: str) -> tuple[Rule, ...]:
    """Return one rule for each name, its conditions in the suite's order.

    Raises:
        AuthorError: Two expectations of one name have different actions.
    """
    rules: dict[str, Rule] = {}
    for meta, condition in conditions:
        rule = rules.get(meta.name)
        if rule is None:
            rules[meta.name] = Rule(meta.name, meta.action, meta.why, (condition,), meta.fail_above)
            continue
        if rule.action != meta.action:
            problem = f"{where}: `{meta.name}` is both `{rule.action}` and `{meta.action}`."
            raise AuthorError(problem, "Give both expectations of that name one action.")
        rules[meta.name] = Rule(
            rule.name, rule.action, rule.why or meta.why, (*rule.conditions, condition),
            rule.fail_above if meta.fail_above is None else meta.fail_above,
        )  # fmt: skip
    return tuple(rules.values())
