"""A query's analysed plan as plain Python values, and what tells two of them apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLANS = ".plans.logical."
_NUMBER_OF_CHILDREN = "num-children"
# These differ from one planning to the next, or follow from the rest.
_PASSING = frozenset({"resultId", "nodeId", "qualifier", "nullable", "metadata", "planId", "jvmId", "Metadata"})
# What a table has: a column that comes later does not change the query.
_OF_LEAVES = frozenset({"output", "data"})
# Spark counts these up with each function of an array that it meets.
_LAMBDA = "NamedLambdaVariable"


@dataclass(frozen=True)
class Tree:
    """An operator of a plan, or an expression in one.

    Attributes:
        kind: Spark's name of its class, without the package: `Project`, `AttributeReference`.
        fields: Spark's fields of it; a field that holds expressions or plans has them as `Tree`s.
        children: What it is computed from, in Spark's order.
        is_operator: Whether it is an operator.
    """

    kind: str
    fields: Mapping[str, Any]
    children: tuple[Tree, ...]
    is_operator: bool

    @property
    def is_streaming(self) -> bool:
        """Whether rows of a stream go through this operator."""
        return bool(self.fields.get("isStreaming")) or any(child.is_streaming for child in self.children)

    @property
    def id(self) -> int | None:
        """The number by which Spark tells columns apart, or None where it is not a named column."""
        found = self.fields.get("exprId")
        return int(found["id"]) if isinstance(found, dict) else None

    def walk(self) -> Iterator[Tree]:
        """Yield this tree and all that is below it, the top first; expressions within operators are left out."""
        yield self
        for child in self.children:
            yield from child.walk()

    def expressions(self) -> Iterator[Tree]:
        """Yield the expressions of this operator, the topmost ones only, in Spark's order."""
        yield from (tree for tree in trees_in(self.fields) if not tree.is_operator)

    def everything(self) -> Iterator[Tree]:
        """Yield this tree and all below it, with the expressions in operators and the plans of subqueries."""
        yield self
        for tree in trees_in(self.fields):
            yield from tree.everything()
        for child in self.children:
            yield from child.everything()


def plan_of(frame: DataFrame) -> Tree:
    """Return a frame's analysed plan. The query is not run."""
    text = frame._jdf.queryExecution().analyzed().toJSON()  # noqa: SLF001 - PySpark has no public door to it
    return _tree(json.loads(text))


def pruned_plan_of(frame: DataFrame) -> Tree:
    """Return a frame's analysed plan without the columns that nothing in it uses. The query is not run."""
    jvm: Any = frame.sparkSession._jvm  # noqa: SLF001 - as above
    plan = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
    plan = jvm.org.apache.spark.sql.catalyst.analysis.EliminateSubqueryAliases.apply(plan)
    return _tree(json.loads(jvm.org.apache.spark.sql.catalyst.optimizer.ColumnPruning.apply(plan).toJSON()))


def columns_read(frame: DataFrame) -> set[str]:
    """Return the columns of its sources whose values decide what a frame's rows are. The query is not run."""
    plan = pruned_plan_of(frame)
    leaves = [tree for tree in plan.walk() if not tree.children]
    used = {
        each.id
        for tree in plan.walk()
        if tree.children
        for expression in tree.expressions()
        for each in expression.everything()
        if each.kind == "AttributeReference"
    }
    columns = [column for leaf in leaves for column in trees_in(leaf.fields.get("output", []))]
    is_leaf = not plan.children
    return {str(column.fields["name"]) for column in columns if is_leaf or column.id in used}


def empty_like(frame: DataFrame, *, is_streaming: bool) -> DataFrame:
    """Return an empty frame with the columns of another.

    Args:
        frame: The frame; it is not run.
        is_streaming: Whether Spark takes the result for a stream, which can be analysed but not started.
    """
    spark = frame.sparkSession
    jvm: Any = spark._jvm  # noqa: SLF001
    output = frame._jdf.queryExecution().analyzed().output()  # noqa: SLF001
    relation = jvm.org.apache.spark.sql.catalyst.plans.logical.LocalRelation(
        output, output.toSeq().take(0), is_streaming, jvm.scala.Option.empty()
    )
    session: Any = spark._jsparkSession  # noqa: SLF001
    return DataFrame(jvm.org.apache.spark.sql.classic.Dataset.ofRows(session, relation), spark)


def _tree(nodes: list[dict[str, Any]]) -> Tree:
    """Return the tree whose nodes are listed from the top down, each followed by its children."""
    tree, rest = _first_tree(nodes, 0)
    assert rest == len(nodes)
    return tree


def _first_tree(nodes: list[dict[str, Any]], position: int) -> tuple[Tree, int]:
    node = nodes[position]
    children = []
    position += 1
    for _ in range(node[_NUMBER_OF_CHILDREN]):
        child, position = _first_tree(nodes, position)
        children.append(child)
    fields = {name: _value(value) for name, value in node.items() if name not in {"class", _NUMBER_OF_CHILDREN}}
    name = str(node["class"])
    kind = name.rsplit(".", 1)[-1]
    return Tree(kind, fields, tuple(children), _PLANS in name or ".execution." in name), position


def _value(value: Any) -> Any:
    if _is_tree(value):
        return _tree(value)
    if isinstance(value, dict):
        return {name: _value(item) for name, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value


def _is_tree(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and _NUMBER_OF_CHILDREN in value[0]


def trees_in(value: Any) -> Iterator[Tree]:
    """Yield the topmost trees in a field's value."""
    if isinstance(value, Tree):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from trees_in(item)


def signature(plan: Tree) -> str:
    """Return a text that tells a query from another.

    What a Python function does that the query calls is not in it.
    """
    return hashlib.sha256(json.dumps(_Numbered().of(plan)).encode()).hexdigest()


class _Numbered:
    """Gives the columns of a plan numbers in the order in which they are met, in the place of Spark's own."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def of(self, value: Any) -> Any:
        if isinstance(value, Tree):
            passing = _PASSING if value.children else _PASSING | (_OF_LEAVES if value.is_operator else set())
            if value.kind.endswith(_LAMBDA):
                passing |= {"name"}
            names = sorted(name for name in value.fields if name not in passing)
            return [
                value.kind,
                [[name, self.of(value.fields[name])] for name in names],
                list(map(self.of, value.children)),
            ]
        if isinstance(value, dict):
            if "jvmId" in value and "id" in value:
                return self._numbers.setdefault(value["id"], len(self._numbers))
            return [[name, self.of(item)] for name, item in sorted(value.items()) if name not in _PASSING]
        return [self.of(item) for item in value] if isinstance(value, list) else value
