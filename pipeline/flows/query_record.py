"""The query that a table's state belongs to: as long as the state is kept, the query must stay what it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyspark
from pyspark.sql.types import StructType

from pipeline.flows.stream_query import StreamReader
from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import AuthorError, DamagedStateError
from pipeline.plans.plan import empty_like, plan_of, signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyspark.sql import DataFrame

    from pipeline.checkpoint.position import Position
    from pipeline.declare.graph import Node
    from pipeline.flows.open import Lakehouse

_FILE = "query.json"


class QueryRecord:
    """What a flow's state was computed with: the query, and the version of Spark.

    The query is compared over the columns that its tables had in the beginning, so that columns that come later do not
    count as a change. What a Python function does that the query calls is not compared.

    Args:
        lakehouse: The pipeline.
        node: The flow's table.
        position: How far the flow has read; the record goes with its checkpoint.
    """

    def __init__(self, lakehouse: Lakehouse, node: Node, position: Position) -> None:
        self._lakehouse = lakehouse
        self._node = node
        self._position = position
        self._file = position.checkpoint() / _FILE

    @property
    def is_needed(self) -> bool:
        """Whether the query must stay what it was: a flow that is added to a table would not get its former rows."""
        node = self._node
        return node.dataset.flow_count > 1 or self._lakehouse.streams[node.name].way != "by batch"

    def begin(self, names: Iterable[str]) -> None:
        """Write the record, unless there is one and a batch was planned with it.

        Args:
            names: The tables that the query reads.
        """
        if self._file.exists() and self._position.planned_batch() >= 0:
            return
        columns = {name: self._columns(name) for name in sorted(names)}
        once, again = self._query(columns), self._query(columns)
        # A query that differs from itself, by a time or a seed in it, cannot be compared.
        query = once if once == again else None
        replace_file(self._file, json.dumps({"spark": _spark(), "columns": columns, "query": query}))

    def check(self) -> None:
        """Check that the query is still the recorded one, and that none is recorded for a table that needs none.

        Raises:
            AuthorError: The query or Spark has changed.
            DamagedStateError: The record cannot be read.
        """
        if self._position.planned_batch() < 0 or not (self.is_needed or self._file.exists()):
            return
        name, where = self._node.name, self._node.dataset.location
        remedy = f"Run `python -m pipeline run --full-refresh {name}`, or go back to what it was."
        changed = f"{where}: the query of `{name}` has changed, and what it has stored belongs to the former one."
        if not (self.is_needed and self._file.exists()):
            raise AuthorError(changed, remedy)
        try:
            recorded = json.loads(self._file.read_text(encoding="utf-8"))
            spark, columns, query = recorded["spark"], recorded["columns"], recorded["query"]
        except (OSError, ValueError, KeyError) as error:
            problem = f"What `{name}` keeps its state for cannot be read: {self._file}: {error}."
            raise DamagedStateError(problem, f"Run `python -m pipeline run --full-refresh {name}`.") from error
        if spark != _spark():
            problem = f"{where}: what `{name}` has stored was written by Spark {spark}; this is Spark {_spark()}."
            raise AuthorError(problem, remedy)
        try:
            is_same = query is None or query == self._query(columns)
        except Exception:  # noqa: BLE001 - it asks for what its tables did not have
            is_same = False
        if not is_same:
            raise AuthorError(changed, remedy)

    def _columns(self, name: str) -> Any:
        table = self._lakehouse.table(name)
        if not table.exists:
            return self._lakehouse.graph.nodes[name].stored_schema.jsonValue()
        return self._lakehouse.spark.read.format("delta").load(str(table.path)).schema.jsonValue()

    def _query(self, columns: Mapping[str, Any]) -> Any:
        """Return what must stay: with state the whole query, without only the streams in their order."""
        if self._lakehouse.streams[self._node.name].way != "with Spark's state":
            return self._node.streamed
        spark = self._lakehouse.spark

        def empty(is_streaming: bool) -> Callable[[str], DataFrame]:
            return lambda name: empty_like(
                spark.createDataFrame([], StructType.fromJson(columns[name])), is_streaming=is_streaming
            )

        reader = StreamReader(self._lakehouse.graph, self._node, empty(True), empty(False))
        return signature(plan_of(reader.query()))


def _spark() -> str:
    """Return the version of Spark whose states this one reads: patches do not change their form."""
    return ".".join(pyspark.__version__.split(".")[:2])
