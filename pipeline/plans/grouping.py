"""Which columns of a query's result hold what it groups by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.plans.operators import Refused
from pipeline.plans.plan import Tree
from pipeline.plans.windows import shape

if TYPE_CHECKING:
    from collections.abc import Mapping

# A group goes through these as one row.
_ONE_ROW = frozenset({"Project", "SubqueryAlias", "View", "DataFrameDropColumns", "ResolvedHint", "CollectMetrics"})
_AS_VIEW = "declare it with @materialized_view and read()"


def keys_of_groups(plan: Tree) -> tuple[str, ...] | Refused:
    """Return the columns that hold what a query groups by, or why its groups cannot be replaced one by one.

    Args:
        plan: A plan with one aggregate on a stream.
    """
    above: list[Tree] = []
    operator = plan
    while operator.kind != "Aggregate":
        if operator.kind not in _ONE_ROW:
            return Refused(
                f"the operator {operator.kind} behind an aggregate with a watermark",
                "can add or take away rows of groups that are stored already",
                f"Leave it out here and apply it where the table is read, take the watermark away, or {_AS_VIEW}.",
            )
        above.append(operator)
        operator = operator.children[0]
    outputs = outputs_of(operator, above)
    keys: list[str] = []
    for grouping in operator.fields["groupingExpressions"]:
        # A window is known by its start.
        found = (name for name, value in outputs.items() if any(holds(value, grouping, part) for part in (None, 0)))
        # Two expressions may look alike, such as the same function of columns of one name from two tables.
        name = next((name for name in found if name not in keys), None)
        if name is None:
            key = grouping.fields.get("name", grouping.kind)
            return Refused(
                f"an aggregate with a watermark whose key `{key}` is not a column",
                "leaves no way to find the groups that a batch changes",
                f"Select every key, a window with its start (`window.start`), take the watermark away, or {_AS_VIEW}.",
            )
        keys.append(name)
    return tuple(keys)


def outputs_of(aggregate: Tree, above: list[Tree]) -> Mapping[str, Tree]:
    """Return a result's columns, each as an expression over the output of the aggregate or its grouping."""
    known: dict[int | None, Tree] = {}
    columns: dict[str, Tree] = {}
    projections = [aggregate.fields["aggregateExpressions"]]
    projections += [one.fields["projectList"] for one in reversed(above) if one.kind == "Project"]
    for projection in projections:
        new = {one.id: _replaced(one.children[0] if one.kind == "Alias" else one, known) for one in projection}
        columns = {str(one.fields["name"]): new[one.id] for one in projection}
        known = new
    return columns


def _replaced(expression: Tree, known: Mapping[int | None, Tree]) -> Tree:
    """Return an expression with the columns in it replaced by what they stand for."""
    if expression.kind == "AttributeReference":
        return known.get(expression.id, expression)
    children = tuple(_replaced(child, known) for child in expression.children)
    return Tree(expression.kind, expression.fields, children, is_operator=False)


def holds(value: Tree, grouping: Tree, part: int | None) -> bool:
    """Return whether a column holds a grouping's value, or a part of it, and nothing else."""
    if part is not None:
        if value.kind != "GetStructField" or value.fields.get("ordinal") != part:
            return False
        value = value.children[0]
    if grouping.id is not None:
        return value.id == grouping.id
    return shape(value) == shape(grouping)
