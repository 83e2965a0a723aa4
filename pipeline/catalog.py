"""A pipeline opened: its declarations resolved and checked against suites and known columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.flows.flow import Lakehouse
from pipeline.graph import Graph, load_declarations, resolve
from pipeline.ingest.evolution import new_hints
from pipeline.ingest.schema_log import SchemaLog
from pipeline.quality.suites import Suites, check_declared

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.clock import Clock
    from pipeline.dataset import Dataset
    from pipeline.home import Home
    from pipeline.ingest.source import FilesSource
    from pipeline.quality.rules import Suite
    from pipeline.settings import Settings

_SQL_TYPES = {"string": "STRING", "double": "DOUBLE", "boolean": "BOOLEAN"}


def open_lakehouse(spark: SparkSession, home: Home, settings: Settings, clock: Clock) -> Lakehouse:
    """Return a pipeline's lakehouse, every declaration and suite of it checked; nothing is written.

    Raises:
        AuthorError: A declaration, an input or a suite is wrong.
    """
    schema = settings.target_schema

    def empty_files(dataset: Dataset, source: FilesSource) -> DataFrame:
        log = SchemaLog(home.state / "schema_log" / schema / dataset.name)
        latest = log.latest()
        logged = latest.columns if latest else ()
        columns = (*logged, *new_hints(source, logged, log.taken_away()).values())
        data = [f"`{column.name}` {_SQL_TYPES[column.type]}" for column in columns]
        technical = [
            "_rescued_data STRING",
            "_corrupt_record STRING",
            "source_file STRING",
            "file_modification_time TIMESTAMP",
            "ingestion_timestamp TIMESTAMP",
        ]
        return spark.createDataFrame([], ", ".join(["record_id STRING", *data, *technical]))

    graph = resolve(load_declarations(settings.source), empty_files)
    return Lakehouse(spark, home, schema, clock, graph, compiled_suites(graph, Suites(settings.expectations)))


def compiled_suites(graph: Graph, suites: Suites) -> dict[str, Suite]:
    """Return the suite of every table that names one, by table.

    Raises:
        AuthorError: A suite is missing, is for no table, or names an unknown column.
    """
    declared = {node.name: node.dataset.expectations for node in graph.tables if node.dataset.expectations}
    check_declared(suites, declared, [node.name for node in graph.tables])
    compiled = {}
    for name, suite_name in declared.items():
        node = graph.nodes[name]
        assert node.schema is not None
        # Rows are judged on their way from one table to the next; files and views have no such way.
        compiled[name] = suites.compiled(suite_name, node.schema, node.stored_columns, by_row=bool(node.streams))
    return compiled
