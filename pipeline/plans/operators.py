"""What each of Spark's operators means for a table that is filled from a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.plans.plan import trees_in

if TYPE_CHECKING:
    from pipeline.plans.plan import Tree


@dataclass(frozen=True)
class Refused:
    """An operator that no stream can have.

    Attributes:
        phrase: The operator in an author's words, as the subject of a sentence.
        reason: Why it needs more than a batch, as the rest of that sentence.
        remedy: What to write in its place.
    """

    phrase: str
    reason: str
    remedy: str


# Each row by itself: what comes of a batch depends on that batch alone.
ROW_BY_ROW = frozenset({
    "Project", "Filter", "SubqueryAlias", "View", "Generate", "Expand", "Union", "Join", "LateralJoin", "MapInPandas",
    "MapInArrow", "ResolvedHint", "UnresolvedHint", "Repartition", "RepartitionByExpression", "RebalancePartitions",
    "Sample", "EventTimeWatermark", "CollectMetrics", "DataFrameDropColumns", "WithCTE", "CTERelationDef",
    "CTERelationRef", "LocalRelation", "LogicalRDD", "LogicalRelation", "DataSourceV2Relation", "StreamingRelation",
    "StreamingRelationV2", "StreamingExecutionRelation", "OneRowRelation", "Range",
})  # fmt: skip

# Several rows may come of one; of a join, only by some types.
SEVERAL_ROWS = frozenset({"Generate", "Expand", "Union", "LateralJoin", "MapInPandas", "MapInArrow"})
_MULTIPLYING_JOINS = frozenset({"Inner$", "Cross$", "LeftOuter$", "RightOuter$"})

# Structured Streaming keeps state for these.
WITH_STATE = frozenset({
    "Aggregate", "Deduplicate", "DeduplicateWithinWatermark", "Distinct", "FlatMapGroupsWithState",
    "FlatMapGroupsInPandasWithState", "TransformWithState", "TransformWithStateInPandas", "TransformWithStateInPySpark",
})  # fmt: skip

_AS_VIEW = "Declare it with @materialized_view and read(), which computes it over all rows"
_AS_STATE = "use dropDuplicates() or an aggregate, which keep their state across batches"
_ROWS = Refused("a window function (row_number, rank, lag …)", "needs all rows, those of later batches included",
                f"{_AS_VIEW}, or {_AS_STATE}.")  # fmt: skip
_LIMIT = Refused("a limit", "would count anew in each batch", f"{_AS_VIEW}.")
_SET = Refused("an intersection or difference", "needs all rows of both sides", f"{_AS_VIEW}.")
_GROUPS = Refused("a function over whole groups", "needs all rows of a group, those of later batches included",
                  f"{_AS_VIEW}, or use applyInPandasWithState().")  # fmt: skip
REFUSED = {
    "Window": _ROWS,
    "WindowGroupLimit": _ROWS,
    "Sort": Refused("a sort", "has no meaning for a table that grows by batches", "Sort where the table is read."),
    "GlobalLimit": _LIMIT,
    "LocalLimit": _LIMIT,
    "LimitAll": _LIMIT,
    "Offset": Refused("an offset", "would count anew in each batch", f"{_AS_VIEW}."),
    "Tail": _LIMIT,
    "Intersect": _SET,
    "Except": _SET,
    "FlatMapGroupsInPandas": _GROUPS,
    "FlatMapGroupsInArrow": _GROUPS,
    "FlatMapCoGroupsInPandas": _GROUPS,
    "FlatMapCoGroupsInArrow": _GROUPS,
    "MapGroups": _GROUPS,
    "CoGroup": _GROUPS,
}

# On which side of a join the stream may be: rows of the other side that match nothing in a batch may match later.
_STREAM_SIDES = {
    "Inner$": {"left", "right"},
    "Cross$": {"left", "right"},
    "LeftOuter$": {"left"},
    "RightOuter$": {"right"},
    "LeftSemi$": {"left"},
    "LeftAnti$": {"left"},
}

# Expressions whose value does not follow from the rows, though Spark takes some of them for deterministic.
_CHANGING = {
    "CurrentDate": "current_date", "CurrentTimestamp": "current_timestamp", "Now": "now",
    "LocalTimestamp": "localtimestamp", "CurrentTime": "current_time", "CurrentBatchTimestamp": "current_timestamp",
    "Rand": "rand", "Randn": "randn", "RandStr": "randstr", "Uniform": "uniform", "Uuid": "uuid", "Shuffle": "shuffle",
    "Sample": "sample", "MonotonicallyIncreasingID": "monotonically_increasing_id",
    "SparkPartitionID": "spark_partition_id", "InputFileName": "input_file_name",
    "InputFileBlockStart": "input_file_block_start", "InputFileBlockLength": "input_file_block_length",
    "CallMethodViaReflection": "reflect",
}  # fmt: skip
# Texts that are a moment of the time at which they are read.
_SPECIAL_MOMENTS = frozenset({"now", "today", "tomorrow", "yesterday"})


def joins_streams(join: Tree) -> bool:
    """Return whether both sides of a join are streams: Spark keeps rows of each side for the other."""
    left, right = join.children
    return left.is_streaming and right.is_streaming


def needs_state(operator: Tree) -> bool:
    """Return whether Structured Streaming keeps state for an operator that a stream goes through."""
    return operator.kind in WITH_STATE or (operator.kind == "Join" and joins_streams(operator))


def refused_join(join: Tree) -> Refused | None:
    """Return why a join of a stream with a table read whole cannot be kept, or None if it can."""
    left, _ = join.children
    kind = _join_type(join)
    side = "left" if left.is_streaming else "right"
    if side in _STREAM_SIDES.get(kind, set()):
        return None
    name = kind.removesuffix("$")
    return Refused(
        f"a join of type {name} with the stream on the {side}",
        "returns rows of the table that match no row of a batch, though a later one may match them",
        "Put the stream on the side whose rows are all kept, use an inner join, or declare it with "
        "@materialized_view and read().",
    )


def refused_union(union: Tree) -> Refused | None:
    """Return why a union cannot be kept, or None if all that it joins are streams."""
    if all(child.is_streaming for child in union.children):
        return None
    return Refused(
        "a union of a stream and a table read whole",
        "would add all rows of the table with every batch",
        "Read both with read_stream().",
    )


def makes_several_rows(operator: Tree) -> bool:
    """Return whether several rows may come of one."""
    if operator.kind == "Join":
        return _join_type(operator) in _MULTIPLYING_JOINS
    return operator.kind in SEVERAL_ROWS


def is_deterministic(tree: Tree) -> bool:
    """Return whether the plan gives the same rows for the same input, however often and whenever it runs."""
    return changing_function(tree) is None


def changing_function(tree: Tree) -> str | None:
    """Return the name of a function whose value does not follow from the rows alone, or None if the plan has none."""
    return next(filter(None, map(changing, tree.everything())), None)


def has_subquery(tree: Tree) -> bool:
    """Return whether an expression of the plan reads a table by itself."""
    expressions = (one for one in tree.everything() if not one.is_operator)
    return any(part.is_operator for expression in expressions for part in trees_in(expression.fields))


def changing(tree: Tree) -> str | None:
    """Return the name of a function whose value does not follow from the row alone, or None if it is another."""
    if tree.fields.get("udfDeterministic") is False:
        return str(tree.fields.get("name") or tree.fields.get("udfName") or tree.kind)
    if tree.kind == "Cast" and str(tree.children[0].fields.get("value")).strip().lower() in _SPECIAL_MOMENTS:
        return str(tree.children[0].fields["value"])
    return _CHANGING.get(tree.kind)


def _join_type(join: Tree) -> str:
    kind = join.fields.get("joinType")
    if isinstance(kind, dict):
        return str(kind.get("object") or kind.get("product-class", "")).rsplit(".", 1)[-1]
    return str(kind)
