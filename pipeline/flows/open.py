"""A pipeline opened over a home: its declarations resolved and checked against suites and known columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pipeline.databricks.loading import Loaded, load_source
from pipeline.declare.load import load_declarations
from pipeline.declare.resolve import resolve
from pipeline.delta.table import Table
from pipeline.flows.keeping import carries_rows, keeping_of_streams, keeping_of_views, numbered_by, takes_files
from pipeline.foundation.errors import AuthorError, NoDataError
from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.foundation.sql_names import quoted
from pipeline.ingest.evolution import new_hints
from pipeline.ingest.sampling import sampled_columns
from pipeline.ingest.schema_log import SchemaLog
from pipeline.plans.plan import empty_like
from pipeline.quality.declared_rules import suite_of
from pipeline.quality.suites import Suites, check_declared
from pipeline.spark.session import check_avro_reader
from pipeline.spark.workers import send_modules_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipeline.declare.dataset import Dataset, Registry
    from pipeline.declare.files_source import FilesSource
    from pipeline.declare.graph import Graph
    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home
    from pipeline.home.schema_places import TablePlaces
    from pipeline.plans.streams import StreamKeeping
    from pipeline.plans.views import ViewKeeping
    from pipeline.quality.rules import Suite
    from pipeline.settings import Settings


_TECHNICAL = (
    "_rescued_data STRING",
    "_corrupt_record STRING",
    "source_file STRING",
    "file_modification_time TIMESTAMP",
    "ingestion_timestamp TIMESTAMP",
)


@dataclass(frozen=True)
class Lakehouse:
    """A pipeline over a home: what its flows work with.

    Attributes:
        streams: How each streaming table is kept, except for quarantines.
        views: How each materialized view is kept.
        loaded: Its declarations as they were loaded.
    """

    spark: SparkSession
    home: Home
    settings: Settings
    clock: Clock
    graph: Graph
    suites: Mapping[str, Suite]
    streams: Mapping[str, StreamKeeping]
    views: Mapping[str, ViewKeeping]
    limits: Limits = DEFAULT_LIMITS
    loaded: Loaded | None = None

    def close(self) -> None:
        """Give the session back as it was: its configuration was set for the pipeline's source."""
        if self.loaded is not None:
            self.loaded.close()

    @property
    def schema(self) -> str:
        """The target schema's name."""
        return self.settings.target_schema

    def has_state(self, name: str) -> bool:
        """Return whether a table is kept with state, which cannot forget a row."""
        return name in self.streams and self.streams[name].way == "with Spark's state"

    def declared_rules(self) -> list[tuple[Dataset, Suite, StructType]]:
        """Return each declaration with rules of its own, these as they are judged, and the columns that they judge."""
        nodes = [node for node in self.graph.nodes.values() if node.dataset.rules and node.schema is not None]
        return [(node.dataset, self.suites[node.name], node.schema.schema) for node in nodes if node.schema is not None]

    def open_again(self) -> Lakehouse:
        """Return the same pipeline with its declarations loaded again, and the columns that its sources have now."""
        return open_lakehouse(self.spark, self.home, self.settings, self.clock, self.limits)

    def table(self, name: str) -> Table:
        """Return a declared table."""
        return Table(self.places(name).data, self.limits)

    def dataset(self, name: str) -> Dataset:
        """Return a declaration."""
        return self.graph.nodes[name].dataset

    def places(self, name: str) -> TablePlaces:
        """Return where a table's data and its flow's state are."""
        return self.home.table(self.schema, name)


def _empty_files(
    spark: SparkSession,
    home: Home,
    settings: Settings,
    limits: Limits,
    dataset: Dataset,
    source: FilesSource,
    *,
    samples: bool,
) -> DataFrame:
    """Return an empty frame for a dataset's files, with the columns known so far.

    Raises:
        NoDataError: Their columns are inferred, and there is no file.
    """
    if source.format == "avro":
        check_avro_reader()
    log = SchemaLog(home.table(settings.target_schema, dataset.name).schema_log)
    latest = log.latest()
    logged = latest.columns if latest else ()
    columns = (*logged, *new_hints(source, logged, log.taken_away()).values())
    if settings.sources and (latest is None or samples):
        columns = sampled_columns(spark, limits, source, home.landing_of(source.path), columns)
        if not columns:
            problem = f"No data at {source.path}, so its columns are not known."
            raise NoDataError(problem, "Put a file there, or give the columns with `.schema(…)`.")
    data = [f"{quoted(column.name)} {column.type}" for column in columns]
    return spark.createDataFrame([], ", ".join(["record_id STRING", *data, *_TECHNICAL]))


def open_lakehouse(
    spark: SparkSession,
    home: Home,
    settings: Settings,
    clock: Clock,
    limits: Limits = DEFAULT_LIMITS,
    *,
    needs_data: bool = True,
) -> Lakehouse:
    """Open a pipeline: load its declarations and check them and their suites; nothing is written.

    Args:
        spark: The session.
        home: Where its tables are.
        settings: The pipeline's.
        clock: Tells the time.
        limits: What counts as few rows or as a small file.
        needs_data: Whether it is an error that what a query reads is not there yet.

    Raises:
        AuthorError: A declaration, an input or a suite is wrong.
    """
    if settings.sources:
        loaded = load_source(spark, settings, needs_data=needs_data)
    else:
        loaded = Loaded(load_declarations(settings.source))
    try:
        send_modules_below(settings.source.parent, spark)
        empty_files = partial(_empty_files, spark, home, settings, limits)
        graph = _resolved(loaded.registry, empty_files, settings, needs_data=needs_data)
        streams = keeping_of_streams(graph)
        views = keeping_of_views(graph, streams)
        if settings.sources:
            _check_no_suites(graph, Suites(settings.expectations))
        suites = compiled_suites(graph, Suites(settings.expectations))
    except BaseException:
        loaded.close()
        raise
    return Lakehouse(spark, home, settings, clock, graph, suites, streams, views, limits, loaded)


def _resolved(
    registry: Registry, empty_files: Callable[..., DataFrame], settings: Settings, *, needs_data: bool
) -> Graph:
    """Return the graph; where a query does not run, once more with the columns that only waiting files have."""
    takes = takes_files if settings.sources else None
    for samples in (False, True):
        try:
            return resolve(
                registry,
                partial(empty_files, samples=samples),
                empty_like,
                carries_rows,
                numbered_by,
                takes,
                needs_data=needs_data,
            )
        except NoDataError:
            raise
        except AuthorError:
            if samples or not settings.sources:
                raise
    raise AssertionError


def _check_no_suites(graph: Graph, suites: Suites) -> None:
    """Check that no suite is for a table of source for Databricks, whose rules are those that it declares.

    Raises:
        AuthorError: There is one, which nothing would judge.
    """
    for name in suites.names():
        if name in graph.nodes or name in graph.unresolved:
            problem = f"{suites.folder / name}.json is the suite of a table that the pipeline's source declares."
            raise AuthorError(problem, "Write its rules as expectations into the source, and move the file away.")


def compiled_suites(graph: Graph, suites: Suites) -> dict[str, Suite]:
    """Return the compiled suite of every table that names one, by table.

    Raises:
        AuthorError: A suite is missing, is for no table, or names an unknown column.
    """
    declared = {node.name: node.dataset.expectations for node in graph.tables if node.dataset.expectations}
    check_declared(suites, declared, [node.name for node in graph.tables])
    own = [node for node in graph.nodes.values() if node.dataset.rules]
    compiled = {node.name: suite_of(node.dataset, node.schema) for node in own if node.schema is not None}
    for name, suite_name in declared.items():
        node = graph.nodes[name]
        assert node.schema is not None
        # Rows are judged only on their way from one table to the next, not when files or views are read.
        compiled[name] = suites.compiled(suite_name, node.schema, node.stored_columns, by_row=node.judges_rows)
    return compiled
