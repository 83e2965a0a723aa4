"""How a materialized view is kept: by the keys that new rows touch, or computed whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pyspark.sql import types as T  # noqa: N812 - as Spark code names it

from pipeline.plans.grouping import holds, outputs_of
from pipeline.plans.operators import changing_function, has_subquery
from pipeline.plans.plan import Tree, plan_of
from pipeline.plans.results import StoredResult, stored_results
from pipeline.plans.windows import Window, window_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# Operators that neither add nor take away rows by what other rows are like.
_ROW_BY_ROW = frozenset({"Project", "Filter", "SubqueryAlias", "View", "DataFrameDropColumns", "ResolvedHint"})
_LEAVES = frozenset({"LogicalRDD", "LocalRelation", "LogicalRelation", "DataSourceV2Relation"})


# Values of these types are equal for every engine that may merge them.
_KEY_TYPES = (
    T.StringType, T.IntegralType, T.DecimalType, T.BooleanType, T.DateType, T.TimestampType, T.TimestampNTZType,
    T.BinaryType,
)  # fmt: skip
_START_AND_END = (0, 1)
_NO_WINDOW = "It does not group by one tumbling window of a column of event times."


@dataclass(frozen=True)
class ViewKeeping:
    """How a materialized view is kept.

    Attributes:
        way: `by touched keys`: the groups that new rows belong to are computed anew. `by stored results`: what the
            view holds is compared with new rows alone. `whole`: all of it is computed anew.
        reason: Why, in a sentence or two for an author.
        keys: Unless it is computed whole, the view's columns that tell its rows apart, the window's start included.
        aliases: The other columns that hold a key or a part of the window.
        window: With touched keys, the window that bounds which rows of the source are read again.
        results: With stored results, what each group has the greatest or the least of.
        filters_groups: Whether groups can fall out of the view by a filter on what was computed for them.
        is_deterministic: Whether the query gives the same rows for the same sources whenever it runs; if not, it is
            computed whole in every update.
    """

    way: Literal["by touched keys", "by stored results", "whole"]
    reason: str
    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    window: Window | None = None
    results: tuple[StoredResult, ...] = ()
    filters_groups: bool = False
    is_deterministic: bool = True


def keeping_of_view(frame: DataFrame, *, is_over_one_append_only_source: bool) -> ViewKeeping:
    """Return how a materialized view is kept.

    A short-cut is taken only where the plan proves it right: projections over one grouping of one table that rows are
    only ever added to, after filters and projections, with every key a column of the view. What is grouped by a
    tumbling window is kept by touched keys, also with a filter on the groups; the greatest and least values of other
    groups are kept by stored results.

    Args:
        frame: The query's result over empty frames of its sources.
        is_over_one_append_only_source: Whether it reads one table only, and rows are only added to that.
    """
    plan = plan_of(frame)
    changing = changing_function(plan)
    if changing is not None:
        reason = f"It is computed in every update: `{changing}` may give another value each time."
        return ViewKeeping("whole", reason, is_deterministic=False)
    reason = "" if is_over_one_append_only_source else "It reads several tables, or one whose rows change."
    found = reason or _touched_keys(frame, plan)
    return found if isinstance(found, ViewKeeping) else ViewKeeping("whole", found)


def _touched_keys(frame: DataFrame, plan: Tree) -> ViewKeeping | str:
    """Return how to keep a view by touched keys, or why that is not proven right."""
    if has_subquery(plan):
        return "A subquery of it reads a table by itself."
    chain = list(plan.walk())
    kinds = [operator.kind for operator in chain]
    if kinds.count("Aggregate") != 1:
        return "It does not group its rows exactly once."
    unknown = next((kind for kind in kinds[:-1] if kind not in _ROW_BY_ROW and kind != "Aggregate"), None)
    if unknown is not None or kinds[-1] not in _LEAVES:
        return f"Its plan has the operator {unknown or kinds[-1]}."
    position = kinds.index("Aggregate")
    aggregate, above, below = chain[position], chain[:position], chain[position + 1 :]
    keeping = _grouped(frame, aggregate, above, below)
    return keeping if isinstance(keeping, str) else _unmergeable(frame, keeping) or keeping


def _grouped(frame: DataFrame, aggregate: Tree, above: list[Tree], below: list[Tree]) -> ViewKeeping | str:
    """Return how to keep a view by the keys and the window that it groups by, or why it does not tell them."""
    outputs = {name: value for name, value in outputs_of(aggregate, above).items() if name in frame.columns}
    keys, aliases, windows = [], [], []
    for grouping in aggregate.fields["groupingExpressions"]:
        window = window_of(grouping, below, frame)
        parts = _START_AND_END if window is not None else (None,)
        found = [(name, part) for part in parts for name, value in outputs.items() if holds(value, grouping, part)]
        if not found:
            wanted = "start or end of its window" if window else f"key `{grouping.fields.get('name', grouping.kind)}`"
            return f"The {wanted} is not a column of the view."
        name, part = found[0]
        keys.append(name)
        aliases += [name for name, _ in found[1:]]
        if window is not None:
            windows.append(replace(window, name=name, is_end=part == 1))
    filters = any(operator.kind == "Filter" for operator in above)
    if keys and not windows and not filters:
        results = stored_results(outputs, {*keys, *aliases})
        if isinstance(results, str):
            return f"{_NO_WINDOW} {results}"
        reason = "It has only the greatest and least values of its groups: the view and new rows give the next ones."
        return ViewKeeping("by stored results", reason, tuple(keys), tuple(aliases), results=results)
    if len(windows) != 1:
        return _NO_WINDOW
    reason = "It groups one table by keys and a tumbling window."
    return ViewKeeping("by touched keys", reason, tuple(keys), tuple(aliases), windows[0], filters_groups=filters)


def _unmergeable(frame: DataFrame, keeping: ViewKeeping) -> str:
    """Return which column keeps rows from being merged by key, as a sentence, or nothing."""
    for field in frame.schema:
        kind = field.dataType.simpleString()
        is_key = field.name in keeping.keys
        if is_key and not (isinstance(field.dataType, _KEY_TYPES) and "collate" not in kind):
            return f"Its key `{field.name}` is of type {kind}, which engines compare in different ways."
        if "map<" in kind or "variant" in kind:
            return f"Its column `{field.name}` is of type {kind}, which cannot be compared."
        if keeping.results and "collate" in kind:
            return f"Its column `{field.name}` is of type {kind}, in which unlike texts may be equal."
    return ""
