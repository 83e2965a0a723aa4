"""Turns declarations into a graph by running each query over empty frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pipeline.declare.checks import check_shape
from pipeline.declare.files_table import store_files
from pipeline.declare.graph import Graph, Node, Unresolved
from pipeline.declare.outside_stream import store_outside
from pipeline.declare.reading import Reader, reading
from pipeline.declare.record_rows import with_record_row
from pipeline.foundation.errors import AuthorError, NoDataError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from pipeline.declare.dataset import Dataset, Kind, Registry
    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import NumberedBy
    from pipeline.declare.outside_stream import OutsideStream


class Empty(Protocol):
    """Makes an empty frame with the columns of another."""

    def __call__(self, frame: DataFrame, /, *, is_streaming: bool) -> DataFrame:
        """Return the frame, as a stream or as a table."""
        ...


def resolve(
    registry: Registry,
    empty_files: Callable[[Dataset, FilesSource], DataFrame],
    empty: Empty,
    carries_rows: Callable[[Node], bool] = lambda _: True,
    numbered_by: Callable[[Node], NumberedBy | None] = lambda _: None,
    takes_files: Callable[[Node], bool] | None = None,
    *,
    needs_data: bool = True,
) -> Graph:
    """Return the graph of the declarations, found by running each query over empty frames.

    Args:
        registry: The declarations.
        empty_files: Returns an empty frame for a dataset's files, with the columns known so far.
        empty: Returns an empty frame with the columns of another, as a stream or as a table.
        carries_rows: Returns whether each row of a table comes from one row of one source. Its quarantine then has the
            source's rows, and otherwise the rows that the query made.
        numbered_by: Returns what the rows of a record are numbered by in a streaming table.
        takes_files: Returns whether a query can be given a batch of the files that it reads. If not, they are ingested
            into a table of their own, and the query reads that. None refuses such queries.
        needs_data: Whether it is an error that what a query reads is not there yet. If not, the dataset is unresolved.

    Raises:
        AuthorError: An input is not declared, inputs form a cycle, or a query does not run.
        NoDataError: What a query reads is not there yet.
    """
    resolver = _Resolver(registry, empty_files, empty, carries_rows, numbered_by, takes_files)
    for name in list(registry.datasets):
        try:
            resolver.frame_of(name)
        except NoDataError as error:
            if needs_data:
                raise
            resolver.leave_unresolved(error)
    check_shape(resolver.nodes)
    return Graph(resolver.nodes, resolver.unresolved)


class _Resolver(Reader):
    """Gives queries empty frames and records what they read."""

    def __init__(
        self,
        registry: Registry,
        empty_files: Callable[[Dataset, FilesSource], DataFrame],
        empty: Empty,
        carries_rows: Callable[[Node], bool],
        numbered_by: Callable[[Node], NumberedBy | None],
        takes_files: Callable[[Node], bool] | None,
    ) -> None:
        self._registry = registry
        self._empty_files = empty_files
        self._empty = empty
        self._carries_rows = carries_rows
        self._numbered_by = numbered_by
        self._takes_files = takes_files
        self._open: list[Node] = []
        # Whether the next table that is read lies behind a view that is read as a stream.
        self._streams_next = False
        self.nodes: dict[str, Node] = {}
        self.unresolved: dict[str, Unresolved] = {}

    def frame_of(self, name: str) -> DataFrame:
        if name in self.nodes:
            return self._stored(self.nodes[name])
        if name in self.unresolved:
            raise self.unresolved[name].reason
        reader = self._open[-1].dataset if self._open else None
        if name not in self._registry.datasets:
            where = f"{reader.location}, `{reader.name}`" if reader else "The pipeline"
            raise UnknownNameError("dataset", name, self._registry.datasets, where)
        names = [node.name for node in self._open]
        if name in names:
            circle = " -> ".join([*names[names.index(name) :], name])
            problem = f"{self._registry.datasets[name].location}: the inputs form a cycle: {circle}."
            raise AuthorError(problem, "Remove one of these reads.")
        node, frame = self._ran(name)
        changes = node.dataset.changes
        if node.dataset.kind == "table":
            kind: Kind = "streaming_table" if frame.isStreaming else "materialized_view"
            node.dataset = replace(node.dataset, kind=kind)
        if node.dataset.kind == "streaming_table" and node.quarantine_of is None and changes is None:
            node.numbered_by = self._numbered_by(node)
        made = frame if changes is None else changes.table_columns(frame)
        node.schema = self._empty(made, is_streaming=False)
        if node.numbered_by is not None:
            node.schema = with_record_row(node.schema)
        self._open.pop()
        self.nodes[name] = node
        return self._stored(node)

    def leave_unresolved(self, error: NoDataError) -> None:
        """Note that nothing is known of the datasets that are open: they read what is not there yet."""
        self.unresolved |= {node.name: Unresolved(node.dataset, error) for node in self._open}
        self._open.clear()
        self._streams_next = False

    def _ran(self, name: str) -> tuple[Node, DataFrame]:
        """Return the node of a dataset whose query has run, and the result; the node is still open."""
        node = Node(self._registry.datasets[name])
        self._open.append(node)
        frame = node.frame = self._run(node)
        if node.files is not None and self._takes_files is not None and not self._takes_files(node):
            node = self._open[-1] = Node(node.dataset, files_are_stored=True)
            frame = node.frame = self._run(node)
        return node, frame

    def _run(self, node: Node) -> DataFrame:
        dataset = node.dataset
        try:
            with reading(self):
                frame = dataset.query()
        except AuthorError:
            raise
        except Exception as error:
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            problem = f"{dataset.location}: the query of `{dataset.name}` does not run: {first_line}"
            raise AuthorError(problem, "Correct the query; `python -m pipeline dry-run` tries it.") from error
        if not hasattr(frame, "schema"):
            got = type(frame).__name__
            problem = f"{dataset.location}: the query of `{dataset.name}` returns {got}; expected a DataFrame."
            raise AuthorError(problem, "Return the DataFrame that the function builds.")
        return frame

    def _stored(self, node: Node) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812, PLC0415

        assert node.schema is not None
        frame = node.schema.drop(*node.dataset.expectation_columns)
        if node.dataset.expectations and node.judges_rows:
            frame = frame.withColumn("warnings", F.array().cast("array<string>"))
        return frame

    def files(self, source: FilesSource) -> DataFrame:
        node = self._open[-1]
        if self._takes_files is not None and (node.files_are_stored or node.files not in {None, source}):
            node.files_are_stored = True
            return self.stream(store_files(self._registry, source, node.dataset.location))
        if node.files not in (None, source):
            assert node.files is not None
            problem = (
                f"{node.dataset.location}: the streaming table `{node.name}` reads files of `{node.files.path}` and of "
                f"`{source.path}`, or with different options; expected one call of read_files()."
            )
            raise AuthorError(problem, "Declare a table for each call, and read these tables with read_stream().")
        node.files = source
        return self._empty(self._empty_files(self._open[-1].dataset, source), is_streaming=True)

    def stream(self, name: str) -> DataFrame:
        self._open[-1].streams.append(name)
        return self._streamed(name)

    def snapshot(self, name: str) -> DataFrame:
        self._open[-1].snapshots.append(name)
        if self._streams_next:
            return self._streamed(name)
        return self.frame_of(name)

    def outside(self, name: str) -> None:
        self._open[-1].outside.append(name)

    def outside_stream(self, source: OutsideStream, rows: Callable[[], DataFrame]) -> DataFrame:
        node = self._open[-1]
        if node.name != source.table:
            return self.stream(store_outside(self._registry, source, rows, node.dataset.location))
        node.outside_stream = source
        self.outside(source.name)
        return self._empty(rows(), is_streaming=True)

    def _streamed(self, name: str) -> DataFrame:
        """Return a dataset as a stream; of the tables behind a view the first one that it reads is the stream."""
        frame = self.frame_of(name)
        dataset = self._registry.datasets[name]
        if dataset.kind != "temporary_view":
            self._streams_next = False
            self._open[-1].streamed.append(name)
            return self._empty(frame, is_streaming=True)
        self._streams_next = True
        # What the view reads is noted already, but for what of it is a stream.
        stored = self.nodes[name].files_are_stored
        self._open.append(Node(dataset, streamed=self._open[-1].streamed, files_are_stored=stored))
        frame = self._run(self._open[-1])
        self._open.pop()
        self._streams_next = False
        return frame

    def quarantine(self, name: str) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812, PLC0415

        node = self._open[-1]
        node.quarantine_of = name
        self.frame_of(name)
        source = self.nodes[name]
        if source.dataset.quarantine != node.name or not (source.streams or source.dataset.rules):
            problem = f"{node.dataset.location}: `{name}` does not name `{node.name}` as its quarantine."
            raise AuthorError(problem, f'Write quarantine="{node.name}" into the declaration of `{name}`.')
        made = source.schema
        assert made is not None
        is_carried = self._carries_rows(source)
        rejected = self.frame_of(source.streams[0]) if is_carried else made.drop(*source.dataset.expectation_columns)
        if source.numbered_by is not None:
            rejected = with_record_row(rejected)
        return rejected.withColumn("failed_expectations", F.array().cast("array<string>")).withColumn(
            "quarantined_at", F.current_timestamp()
        )
