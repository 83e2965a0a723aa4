"""How a table that is filled from streams is kept: batch by batch, with Spark's state, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pyspark.errors import AnalysisException

from pipeline.foundation.errors import AuthorError
from pipeline.plans.grouping import keys_of_groups
from pipeline.plans.operators import (
    REFUSED,
    ROW_BY_ROW,
    WITH_STATE,
    Refused,
    is_deterministic,
    joins_streams,
    makes_several_rows,
    needs_state,
    refused_join,
    refused_union,
)
from pipeline.plans.plan import plan_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.plans.plan import Tree


Mode = Literal["append", "update", "complete"]

_MEANING: dict[Mode, str] = {
    "append": "Rows are added for good.",
    "update": "The groups that a batch changes are replaced.",
    "complete": "Without a watermark every batch replaces the whole table.",
}
_CLOSED = "A group is added once the watermark has passed it."


@dataclass(frozen=True)
class StreamKeeping:
    """How a streaming table is kept.

    Attributes:
        way: `by batch`: the query runs over each batch by itself. `as a stream`: it runs as one streaming query over
            all that it reads. `with Spark's state`: such a query, whose state Spark keeps from batch to batch.
            `by key`: its query returns changes, and each batch replaces the rows of the keys that it changes.
        reason: Why, as one sentence for an author.
        operators: With state, the operators that it is kept for, in an author's words.
        output_mode: Spark's output mode: `append` adds rows for good, `update` replaces the rows of a group,
            `complete` replaces the whole table.
        keys: In the output mode `update`, the columns that tell the table's rows apart.
        has_several_rows: Whether one row of the source may become several rows of the table.
        is_deterministic: Whether the query gives the same rows for the same batch, however often it runs.
    """

    way: Literal["by batch", "as a stream", "with Spark's state", "by key"]
    reason: str
    operators: str = ""
    output_mode: Mode = "append"
    keys: tuple[str, ...] = ()
    has_several_rows: bool = False
    is_deterministic: bool = True


class UnsupportedQueryError(AuthorError):
    """The query of a streaming table cannot be kept right by any means."""

    def __init__(self, where: str, name: str, refused: Refused) -> None:
        problem = f"{where}: the streaming table `{name}` has {refused.phrase}, which {refused.reason}."
        super().__init__(problem, refused.remedy)


def keeping_of_stream(frame: DataFrame, name: str, where: str, *, reads_one_stream: bool = True) -> StreamKeeping:
    """Return how a streaming table is kept whose query gives a frame over empty streams.

    Args:
        frame: The query's result over streams without rows (`plan.empty_like`) and tables read whole.
        name: The table.
        where: Its declaration, `file:line`.
        reads_one_stream: Whether a batch's rows, given to the query for the table that it reads, are all that it needs.

    Raises:
        UnsupportedQueryError: No way of keeping it gives what its query says.
    """
    plan = plan_of(frame)
    on_stream = [operator for operator in plan.walk() if operator.is_streaming]
    for operator in on_stream:
        refused = _refusal(operator)
        if refused is not None:
            raise UnsupportedQueryError(where, name, refused)
    stateful = list(filter(needs_state, on_stream))
    several = any(map(makes_several_rows, on_stream))
    steady = is_deterministic(plan)
    if not stateful:
        if reads_one_stream:
            reason = "Each row of its source goes through the query by itself."
            return StreamKeeping("by batch", reason, has_several_rows=several, is_deterministic=steady)
        refused = _refused_by_spark(frame, "append")
        if refused is not None:
            raise UnsupportedQueryError(where, name, refused)
        reason = "A batch of it takes new rows of several tables, or a table's new rows and all its rows."
        return StreamKeeping("as a stream", reason, has_several_rows=several, is_deterministic=steady)
    mode, keys = _output(frame, plan, stateful)
    if isinstance(keys, Refused):
        raise UnsupportedQueryError(where, name, keys)
    operators = ", ".join(dict.fromkeys(stateful_name(operator) for operator in stateful))
    meaning = _CLOSED if mode == "append" and _aggregates(stateful) else _MEANING[mode]
    reason = f"Spark keeps state across batches for: {operators}. {meaning}"
    return StreamKeeping("with Spark's state", reason, operators, mode, keys, several, steady)


def stateful_name(operator: Tree) -> str:
    """Return an operator with state in an author's words."""
    names = {
        "Aggregate": "an aggregate",
        "Deduplicate": "dropDuplicates",
        "Distinct": "distinct",
        "DeduplicateWithinWatermark": "dropDuplicatesWithinWatermark",
        "Join": "a join of two streams",
    }
    return names.get(operator.kind, operator.kind)


def _refusal(operator: Tree) -> Refused | None:
    if operator.kind in REFUSED:
        return REFUSED[operator.kind]
    if operator.kind == "Join" and not joins_streams(operator):
        return refused_join(operator)
    if operator.kind == "Union":
        return refused_union(operator)
    if operator.kind in ROW_BY_ROW or operator.kind in WITH_STATE:
        return None
    return Refused(
        f"the operator {operator.kind}",
        "this engine does not know how to keep over a stream",
        "Declare it with @materialized_view and read().",
    )


def _aggregates(stateful: list[Tree]) -> bool:
    return any(operator.kind == "Aggregate" for operator in stateful)


def _output(frame: DataFrame, plan: Tree, stateful: list[Tree]) -> tuple[Mode, tuple[str, ...] | Refused]:
    """Return Spark's output mode for a query with state, and its keys or why it cannot be kept.

    Open groups are shown where their rows can be replaced; where they cannot, a group appears once it is closed.
    """
    if not _aggregates(stateful):
        return "append", _refused_by_spark(frame, "append") or ()
    if not any(operator.kind == "EventTimeWatermark" for operator in plan.walk()):
        return "complete", _refused_by_spark(frame, "complete") or ()
    keys = _refused_by_spark(frame, "update") or keys_of_groups(plan)
    if isinstance(keys, Refused) and _refused_by_spark(frame, "append") is None:
        return "append", ()
    return "update", keys


def _refused_by_spark(frame: DataFrame, mode: Mode) -> Refused | None:
    """Return why Spark cannot run a query with state, by its own rules, or None if it can."""
    jvm: Any = frame.sparkSession._jvm  # noqa: SLF001 - Spark's checker has no public door
    plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
    output_mode = getattr(jvm.org.apache.spark.sql.streaming.OutputMode, mode.capitalize())()
    try:
        jvm.org.apache.spark.sql.catalyst.analysis.UnsupportedOperationChecker.checkForStreaming(plan, output_mode)
    except AnalysisException as error:
        reason = str(error).splitlines()[0].rstrip(".;")
        return Refused("a query with state", f"Spark cannot keep: {reason}",
                       "Declare it with @materialized_view and read(), or follow what Spark asks for.")  # fmt: skip
    return None
