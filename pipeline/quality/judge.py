"""Judges rows by a suite's rules, and counts the verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.quality.python_rules import register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.quality.rules import Rule, Suite

_VERDICT = "__violates_"
FAILED = "__failed"
WARNED = "__warned"


@dataclass(frozen=True)
class Evidence:
    """The verdicts on a batch's rows.

    Attributes:
        rows: The number of judged rows.
        dropped_rows: The number of rows that drop or fail rules left out.
        warned_rows: The number of other rows that violate a warn rule.
        failed: The number of violating rows for each rule, including zeros.
    """

    rows: int = 0
    dropped_rows: int = 0
    warned_rows: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)


def judge(rows: DataFrame, suite: Suite) -> DataFrame:
    """Return the rows with two more columns: the violated drop and fail rules, and the violated warn rules.

    Each rule is evaluated once for each row. A condition that is NULL is not a violation, so a missing value violates
    only not-null rules.
    """
    conditions = [rule.violated_sql() for rule in suite.rules]
    register(rows.sparkSession, "".join(conditions))
    verdicts = {f"{_VERDICT}{index}": F.expr(condition) for index, condition in enumerate(conditions)}
    judged = rows.withColumns(verdicts) if verdicts else rows
    numbered = list(enumerate(suite.rules))
    return judged.withColumns({
        FAILED: _violated([item for item in numbered if item[1].action != "warn"]),
        WARNED: _violated([item for item in numbered if item[1].action == "warn"]),
    })  # fmt: skip


def _violated(rules: list[tuple[int, Rule]]) -> Column:
    """Return the names of the violated rules; most rows violate none.

    Only expressions with code generation may be used here. One without, such as `array_compact` with its lambda, would
    take the whole step out of the generated code and make judging a third slower.
    """
    none = F.array().cast("array<string>")
    if not rules:
        return none
    verdicts = [F.col(f"{_VERDICT}{index}") for index, _ in rules]
    names = F.array(*(F.when(verdict, F.lit(rule.name)) for verdict, (_, rule) in zip(verdicts, rules, strict=True)))
    return F.when(reduce(or_, verdicts), F.array_except(names, F.array(F.lit(None).cast("string")))).otherwise(none)


class Witness:
    """Counts verdicts in the pass that writes the rows."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._observation = Observation()

    def observing(self, judged: DataFrame) -> DataFrame:
        """Return the judged rows, which are counted when an action runs over them."""
        counts = [
            F.sum(F.col(f"{_VERDICT}{index}").cast("bigint")).alias(f"rule_{index}")
            for index in range(len(self._suite.rules))
        ]
        dropped = F.sum((F.size(FAILED) > 0).cast("bigint")).alias("dropped_rows")
        warned = F.sum(((F.size(WARNED) > 0) & (F.size(FAILED) == 0)).cast("bigint")).alias("warned_rows")
        return judged.observe(self._observation, F.count(F.lit(1)).alias("rows"), dropped, warned, *counts)

    def evidence(self) -> Evidence:
        """Return the counts; call it after the action."""
        counted = self._observation.get
        return Evidence(
            rows=counted["rows"],
            dropped_rows=counted["dropped_rows"] or 0,
            warned_rows=counted["warned_rows"] or 0,
            failed={rule.name: counted[f"rule_{index}"] or 0 for index, rule in enumerate(self._suite.rules)},
        )


def without_verdicts(judged: DataFrame) -> DataFrame:
    """Return the rows without the columns that `judge` added."""
    added = [name for name in judged.columns if name.startswith(_VERDICT) or name in {FAILED, WARNED}]
    return judged.drop(*added)
