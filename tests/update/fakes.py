"""Flows, queries and a log that a test plays with, without Spark and without files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.declare.dataset import Dataset, SourceLocation
from pipeline.declare.graph import Graph, Node
from pipeline.delta.table import Table
from pipeline.flows.flow import Flow, Progress
from pipeline.flows.flows import Flows
from pipeline.home.places import Home
from pipeline.report.reporter import Reporter
from pipeline.update.query_runner import FlowQuery, QueryRunner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Node as GraphNode
    from pipeline.delta.batch import Batch
    from pipeline.flows.open import Lakehouse
    from pipeline.foundation.errors import LakehouseError


def no_query() -> DataFrame:
    raise NotImplementedError


def node(name: str, *reads: str, files: FilesSource | None = None) -> GraphNode:
    dataset = Dataset(name, "streaming_table", no_query, "", SourceLocation("pipeline.py", 1))
    return Node(dataset, files=files, streams=list(reads))


@dataclass
class FakePosition:
    done: int = -1
    exists: bool = False

    def done_batch(self) -> int:
        return self.done

    def flow_id(self) -> str:
        return "the flow"


class FakeFlow(Flow):
    """A flow that has read everything unless a test says otherwise."""

    def __init__(self, name: str, *reads: str, reads_files: bool = False) -> None:
        self.node = node(name, *reads, files=cast("FilesSource", object()) if reads_files else None)
        self.position = cast("Any", FakePosition())
        self.is_behind = False
        self._missing = set()
        self.looks = 0
        self.cleaned = 0

    @property
    def sources(self) -> list[str]:
        return self.node.streams

    def source(self) -> DataFrame | None:
        raise NotImplementedError

    def process(self, rows: DataFrame, batch: Batch, /) -> Progress:
        raise NotImplementedError

    def look_for_files(self) -> None:
        self.looks += 1

    def has_read_all(self) -> bool:
        return not self.is_behind

    def backlog(self, batch_id: int) -> dict[str, int]:
        del batch_id
        return {"backlog_files": int(self.is_behind), "backlog_bytes": 0}

    def clean(self) -> int:
        self.cleaned += 1
        return 1


@dataclass(frozen=True)
class FakeLakehouse:
    graph: Graph
    home: Home
    schema: str = "a_schema"
    suites: dict[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        return Table(self.home.table(self.schema, name).data)


@dataclass(frozen=True)
class FakeFlows(Flows):
    """Flows that are opened again as themselves."""

    opened: list[None] = field(default_factory=list)

    def open_again(self) -> FakeFlows:
        self.opened.append(None)
        return self


def flows(*fakes: FakeFlow, home: Path = Path("a home")) -> FakeFlows:
    graph = Graph({fake.node.name: fake.node for fake in fakes})
    return FakeFlows(cast("Lakehouse", FakeLakehouse(graph, Home(home))), fakes)


class FakeQuery(FlowQuery):
    """A query that runs until a test ends it."""

    def __init__(self, *, stops: bool = True) -> None:
        self._failure: BaseException | None = None
        self._has_new_columns = False
        self._is_active = True
        self._stops = stops

    @property
    def is_active(self) -> bool:
        return self._is_active

    def end(self, failure: BaseException | None = None, *, new_columns: bool = False) -> None:
        self._is_active, self._failure, self._has_new_columns = False, failure, new_columns

    def failure(self) -> BaseException | None:
        return self._failure

    def found_new_columns(self) -> bool:
        return self._has_new_columns

    def log_progress(self) -> None:
        """Log nothing."""

    def stop(self) -> bool:
        self._is_active = False
        return self._stops


class FakeRunner(QueryRunner):
    """Starts fake queries, and fails or holds back as a test says.

    Attributes:
        started: The name of each flow that was started, and how often its query looks for work.
        queries: The newest query of each flow.
        without_source: Flows whose source has no table yet.
        failures: What the next starts or runs of a flow raise.
    """

    def __init__(self) -> None:
        self.started: list[tuple[str, float]] = []
        self.ran: list[str] = []
        self.queries: dict[str, FakeQuery] = {}
        self.without_source: set[str] = set()
        self.failures: dict[str, list[Exception]] = {}

    def start(self, flow: Flow, seconds_between_looks: float) -> FlowQuery | None:
        name = flow.node.name
        if self.failures.get(name):
            raise self.failures[name].pop(0)
        if name in self.without_source:
            return None
        self.started.append((name, seconds_between_looks))
        self.queries[name] = FakeQuery()
        return self.queries[name]

    def run(self, flow: Flow) -> None:
        self.ran.append(flow.node.name)
        if self.failures.get(flow.node.name):
            raise self.failures[flow.node.name].pop(0)

    def compute_due(self, flow: Flow) -> None:
        self.run(flow)


class FakeReporter(Reporter):
    """Keeps what happens to flows as (flow, status) and retries as (flow, attempt, seconds)."""

    def __init__(self) -> None:
        self.statuses: list[tuple[str, str]] = []
        self.retries: list[tuple[str, int, float]] = []

    def state(self, state: str, *, error: BaseException | None = None) -> None:
        del error
        self.statuses.append(("update", state))

    def flow_status(self, flow: Flow, status: str, *, because: str = "") -> None:
        del because
        self.statuses.append((flow.node.name, status))

    def flow_failed(self, flow: Flow, error: LakehouseError, waiting: dict[str, int]) -> None:
        del error, waiting
        self.statuses.append((flow.node.name, "FAILED"))

    def flow_retried(self, flow: Flow, error: LakehouseError, attempt: int, wait_seconds: float) -> None:
        del error
        self.retries.append((flow.node.name, attempt, wait_seconds))

    def logged_ids(self) -> frozenset[str]:
        return frozenset()

    def definitions(self, lakehouse: Lakehouse, flows: Sequence[Flow]) -> None:
        """Log nothing."""
