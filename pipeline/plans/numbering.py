"""Whether a query makes several rows of one record, and what these rows can be numbered by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.foundation.identity import RECORD_ID, RECORD_ROW
from pipeline.plans.operators import Refused, changing, makes_several_rows, needs_state
from pipeline.plans.plan import Tree, plan_of, trees_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame


# Rows of one record leave these in the order in which they were made, branch by branch where branches meet.
_IN_ORDER = frozenset({
    "Project", "Filter", "SubqueryAlias", "View", "Generate", "Expand", "Union", "EventTimeWatermark", "CollectMetrics",
    "DataFrameDropColumns", "ResolvedHint", "UnresolvedHint", "WithCTE", "CTERelationDef", "CTERelationRef",
    "LocalRelation", "LogicalRDD", "StreamingRelation", "StreamingRelationV2", "StreamingExecutionRelation",
})  # fmt: skip
# A function of Python sees the rows of many records at once.
_OF_MANY_RECORDS = frozenset({"MapInPandas", "MapInArrow"})
_CHOOSING = frozenset({"GlobalLimit", "LocalLimit", "Offset", "Tail", "Sample"})
# The same for all rows of a batch: they change a row's values, and its number only where rows are chosen by them.
_TIMES = frozenset({
    "CurrentDate", "CurrentTimestamp", "Now", "LocalTimestamp", "CurrentTime", "CurrentBatchTimestamp",
})  # fmt: skip


@dataclass(frozen=True)
class Numbering:
    """How the rows that a query makes of one record are numbered.

    Attributes:
        by: `order`: as the query makes them. `values`: by their values, because the query does not keep an order.
            `source`: each keeps the number of the source's row, of which there must be one row only. None: they cannot
            be numbered so that a repeated computation gives the same numbers.
        refused: With None, why.
    """

    by: Literal["order", "values", "source"] | None
    refused: Refused | None = None


def numbering_of(frame: DataFrame) -> Numbering | None:
    """Return how the rows of a record are numbered, or None where a record has one row at most, or Spark keeps state.

    Args:
        frame: The query's result over streams without rows (`plan.empty_like`) and tables read whole.
    """
    plan = plan_of(frame)
    on_stream = [operator for operator in plan.walk() if operator.is_streaming]
    several = list(filter(makes_several_rows, on_stream))
    if not several or any(map(needs_state, on_stream)):
        return None
    source = {name for leaf in on_stream if not leaf.children for name in _names(leaf)}
    refused = _refusal(plan) or _without_identity(source, frame.columns, several)
    if refused is not None:
        return Numbering(None, refused)
    if RECORD_ROW in source:
        return Numbering("source")
    return Numbering("order" if all(operator.kind in _IN_ORDER for operator in on_stream) else "values")


def _refusal(plan: Tree) -> Refused | None:
    """Return why another computation might make other rows, or None if it makes the same."""
    changes = _changing(plan)
    many = next((one.kind for one in plan.everything() if one.kind in _OF_MANY_RECORDS), None)
    chosen = next((one.kind for one in plan.everything() if one.kind in _CHOOSING), None)
    if many is not None:
        name = f"{many[0].lower()}{many[1:]}"
        return _because(name, "does not say which rows come of which record", "Use explode() or a join in its place")
    if changes is not None:
        return _because(changes, "may give other rows when a batch is computed again", "Leave it out")
    if chosen is not None:
        return _because("a limit or a sample", "may choose other rows when a batch is computed again", "Leave it out")
    return None


def _without_identity(source: set[str], columns: list[str], several: list[Tree]) -> Refused | None:
    """Return why rows have no identity that they could be numbered within, or None if they have one."""
    if RECORD_ID not in source & set(columns):
        name = f"{_phrase(several[0])} without `{RECORD_ID}`"
        return _because(name, "does not say which rows come of one record", f"Keep `{RECORD_ID}` in every query")
    doubled = next((name for name in columns if columns.count(name) > 1), None)
    if doubled is not None:
        return _because(f"two columns `{doubled}`", "leaves open which of them is meant", "Drop or rename one of them")
    if RECORD_ROW in set(columns) - source:
        name = f"{_phrase(several[0])} and a column `{RECORD_ROW}` of its own"
        return _because(name, "takes the name of the engine's column", "Give the column another name")
    # A join may find one row for each; whether it does is seen when it runs.
    maker = next((operator for operator in several if operator.kind != "Join"), None)
    if RECORD_ROW in source and maker is not None:
        name = f"{_phrase(maker)} of a table that has several rows of a record already"
        return _because(name, "may get the rows of a record in several batches", "Make all the rows in one query")
    if RECORD_ROW in source and RECORD_ROW not in columns:
        name = f"{_phrase(several[0])} without `{RECORD_ROW}`"
        return _because(name, "does not say which of a record's rows it has", f"Keep `{RECORD_ROW}` in every query")
    return None


def _because(operator: str, reason: str, remedy: str) -> Refused:
    why = f"{reason}, so that the several rows of a record cannot be numbered"
    return Refused(f"{operator} in front of a quarantine", why, f"{remedy}, or leave out the quarantine.")


def _phrase(operator: Tree) -> str:
    phrases = {"Generate": "a generator such as explode", "Union": "a union", "Join": "a join"}
    return phrases.get(operator.kind, f"the operator {operator.kind}")


def _changing(plan: Tree) -> str | None:
    """Return the name of a function by which another computation may make other rows, or None."""
    found = next(filter(None, (changing(one) for one in plan.everything() if one.kind not in _TIMES)), None)
    if found is not None:
        return f"`{found}`"
    of_time: set[int | None] = set()
    # From the source up.
    for operator in reversed(list(plan.walk())):
        for expression in operator.expressions():
            used = [one for one in expression.everything() if one.kind in _TIMES or one.id in of_time - {None}]
            if used and operator.kind != "Project":
                return f"the time in {_article(operator.kind)}"
            if used:
                of_time.add(expression.id)
    return None


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind.lower()}"


def _names(leaf: Tree) -> Iterator[str]:
    yield from (str(one.fields["name"]) for one in trees_in(leaf.fields.get("output", ())) if "name" in one.fields)
