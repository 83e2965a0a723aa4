"""The datasets of a pipeline in the order an update refreshes them."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from pipeline.dataset import Dataset, Registry
from pipeline.declare import Reader, collecting, reading
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.shape import check_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pyspark.sql import DataFrame

    from pipeline.ingest.source import FilesSource


@dataclass
class Node:
    """A dataset with what its query reads.

    Attributes:
        files: The folder of files it reads, or None.
        streams: Datasets whose new rows it reads.
        snapshots: Datasets that it reads whole.
        quarantine_of: The table whose rejected rows it takes, or None.
    """

    dataset: Dataset
    files: FilesSource | None = None
    streams: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    quarantine_of: str | None = None
    schema: DataFrame | None = None

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    @property
    def stored_columns(self) -> list[str]:
        """The columns that the table keeps."""
        computed = self.schema.columns if self.schema is not None else []
        marks = ["warnings"] if self.dataset.expectations and self.streams else []
        return [*(name for name in computed if name not in self.dataset.expectation_columns), *marks]

    @property
    def inputs(self) -> list[str]:
        """The datasets it reads, each once."""
        rejected = [self.quarantine_of] if self.quarantine_of else []
        return list(dict.fromkeys([*self.streams, *self.snapshots, *rejected]))


@dataclass(frozen=True)
class Graph:
    """Nodes in dependency order: each stands after all that it reads."""

    nodes: dict[str, Node]

    @property
    def tables(self) -> list[Node]:
        """The nodes that are stored."""
        return [node for node in self.nodes.values() if node.dataset.kind != "temporary_view"]

    def upstream(self, names: set[str]) -> set[str]:
        """Return the datasets with everything they need, themselves included."""
        return self._closure(names, lambda name: self.nodes[name].inputs)

    def downstream(self, names: set[str]) -> set[str]:
        """Return the datasets with everything that needs them, themselves included."""
        return self._closure(names, lambda name: [node.name for node in self.nodes.values() if name in node.inputs])

    def filled_with(self, names: Iterable[str]) -> set[str]:
        """Return the tables whose flows fill the named ones: a quarantine is filled with the table it belongs to."""
        owners = {name: node.quarantine_of for name, node in self.nodes.items() if node.quarantine_of}
        return {owners.get(name, name) for name in names}

    def _closure(self, names: set[str], neighbours: Callable[[str], list[str]]) -> set[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in self.nodes:
                raise UnknownNameError("table", name, self.nodes, "The pipeline")
            if name not in reached:
                reached.add(name)
                waiting.extend(neighbours(name))
        return reached


def load_declarations(module_file: Path) -> Registry:
    """Return the declarations that a Python module makes.

    Raises:
        AuthorError: The module is missing, does not run, or declares nothing.
    """
    if not module_file.is_file():
        problem = f"The pipeline's source {module_file} does not exist."
        raise AuthorError(problem, "Correct `source` in the settings file.")
    spec = importlib.util.spec_from_file_location(f"_declared_{module_file.stem}", module_file)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        problem = f"The pipeline's source {module_file} is no Python module."
        raise AuthorError(problem, "Name a file that ends in .py as `source`.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(module_file.parent))
    try:
        with collecting(Registry()) as registry:
            # Compiled anew: Python's cache takes a module for unchanged that was changed at once, to equal length.
            exec(spec.loader.source_to_code(module_file.read_bytes(), module_file), module.__dict__)  # noqa: S102
    except AuthorError:
        raise
    except Exception as error:
        problem = f"{module_file} does not run: {type(error).__name__}: {error}."
        raise AuthorError(problem, "Correct the module; `python -m pipeline dry-run` tries it.") from error
    finally:
        sys.path.remove(str(module_file.parent))
    if not registry.datasets:
        problem = f"{module_file} declares no table."
        raise AuthorError(problem, "Decorate a function with @table or @materialized_view.")
    return registry


def resolve(registry: Registry, empty_files: Callable[[Dataset, FilesSource], DataFrame]) -> Graph:
    """Return the graph of the declarations, found by running each query over frames without rows.

    Args:
        registry: The declarations.
        empty_files: Gives a dataset's files as a frame without rows, with the columns known so far.

    Raises:
        AuthorError: An input is not declared, inputs go in a circle, or a query does not run.
    """
    resolver = _Resolver(registry, empty_files)
    for name in registry.datasets:
        resolver.frame_of(name)
    check_shape(resolver.nodes)
    return Graph(resolver.nodes)


class _Resolver(Reader):
    """Answers queries with empty frames and notes what they read."""

    def __init__(self, registry: Registry, empty_files: Callable[[Dataset, FilesSource], DataFrame]) -> None:
        self._registry = registry
        self._empty_files = empty_files
        self._open: list[Node] = []
        self.nodes: dict[str, Node] = {}

    def frame_of(self, name: str) -> DataFrame:
        if name in self.nodes:
            return self._stored(self.nodes[name])
        reader = self._open[-1].dataset if self._open else None
        if name not in self._registry.datasets:
            where = f"{reader.location}, `{reader.name}`" if reader else "The pipeline"
            raise UnknownNameError("dataset", name, self._registry.datasets, where)
        names = [node.name for node in self._open]
        if name in names:
            circle = " -> ".join([*names[names.index(name) :], name])
            problem = f"{self._registry.datasets[name].location}: the inputs go in a circle: {circle}."
            raise AuthorError(problem, "Take one of these reads away.")
        node = Node(self._registry.datasets[name])
        self._open.append(node)
        node.schema = self._run(node)
        self._open.pop()
        self.nodes[name] = node
        return self._stored(node)

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
            raise AuthorError(problem, "Let the function return what it has built.")
        return frame

    def _stored(self, node: Node) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812, PLC0415

        assert node.schema is not None
        frame = node.schema.drop(*node.dataset.expectation_columns)
        if node.dataset.expectations and node.streams:
            frame = frame.withColumn("warnings", F.array().cast("array<string>"))
        return frame

    def files(self, source: FilesSource) -> DataFrame:
        self._open[-1].files = source
        return self._empty_files(self._open[-1].dataset, source)

    def stream(self, name: str) -> DataFrame:
        self._open[-1].streams.append(name)
        return self.frame_of(name)

    def snapshot(self, name: str) -> DataFrame:
        self._open[-1].snapshots.append(name)
        return self.frame_of(name)

    def quarantine(self, name: str) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812, PLC0415

        node = self._open[-1]
        node.quarantine_of = name
        self.frame_of(name)
        source = self.nodes[name]
        if source.dataset.quarantine != node.name or not source.streams:
            problem = f"{node.dataset.location}: `{name}` does not name `{node.name}` as its quarantine."
            raise AuthorError(problem, f'Write quarantine="{node.name}" into the declaration of `{name}`.')
        upstream = self.frame_of(source.streams[0])
        return upstream.withColumn("failed_expectations", F.array().cast("array<string>")).withColumn(
            "quarantined_at", F.current_timestamp()
        )
