"""A suite's rules in the form that the engine judges rows with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from pipeline.errors import AuthorError, UnknownNameError

Action = Literal["warn", "drop", "fail"]


@dataclass(frozen=True)
class Condition:
    """When a row violates an expectation.

    Attributes:
        columns: The columns that the expectation names.
        violated_sql: A Spark SQL condition, true for rows that violate; None until its columns exist.
        when_present: Whether columns that do not exist yet are no error.
    """

    columns: tuple[str, ...]
    violated_sql: str | None
    when_present: bool


@dataclass(frozen=True)
class Rule:
    """A named rule: a row violates it when it violates any of its conditions.

    Attributes:
        name: What reports call it.
        action: `warn` keeps the row, `drop` leaves it out, `fail` stops the flow.
        why: The reason for the rule, for those who read reports.
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
    """What a table as a whole has to meet; Great Expectations itself judges it.

    Attributes:
        name: What reports call it; several expectations of a suite may share one.
        action: `warn` goes on record, `fail` makes the update fail as well.
        parameters: The suite parameters that it asks for, such as `ago_24h`.
    """

    name: str
    action: Action
    why: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A suite as it was compiled.

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
    """What an expectation's `meta` says to the engine."""

    name: str
    action: Action
    why: str
    when_present: bool
    fail_above: float | None

    @classmethod
    def of(cls, expectation_type: str, meta: dict[str, Any], where: str) -> RuleMeta:
        """Return what a suite's `meta` says.

        Raises:
            AuthorError: Name or action is missing or wrong.
        """
        name = meta.get("name") or expectation_type
        action = meta.get("action", "warn")
        if action not in get_args(Action):
            raise UnknownNameError("action", str(action), get_args(Action), f"{where}, expectation `{name}`")
        return cls(
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


def table_expectation(metas: list[tuple[RuleMeta, tuple[str, ...]]], where: str) -> TableExpectation:
    """Return what several expectations of one name ask of a table.

    Args:
        metas: Each expectation's meta, and the suite parameters that it names.
        where: The suite's file, for messages.

    Raises:
        AuthorError: Their action is not one that a whole table can meet, or they differ in it.
    """
    first = metas[0][0]
    for meta, _ in metas:
        place = f"{where}: `{meta.name}` is judged on the whole table"
        if meta.action == "drop":
            problem = f"{place}, so there is no row that `drop` could leave out."
            raise AuthorError(problem, "Let its action be `warn` or `fail`.")
        if meta.fail_above is not None:
            raise AuthorError(f"{place}, so `fail_above` counts nothing.", "Use `mostly` in its kwargs, or `fail`.")
        if meta.action != first.action:
            problem = f"{where}: `{meta.name}` is both `{first.action}` and `{meta.action}`."
            raise AuthorError(problem, "Give both expectations of that name one action.")
    parameters = tuple(dict.fromkeys(name for _, names in metas for name in names))
    return TableExpectation(first.name, first.action, first.why, parameters)


def grouped(conditions: list[tuple[RuleMeta, Condition]], where: str) -> tuple[Rule, ...]:
    """Return one rule for each name, its conditions in the suite's order.

    Raises:
        AuthorError: Two expectations of one name differ in what they do.
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
