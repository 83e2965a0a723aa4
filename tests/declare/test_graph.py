from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.declare.dataset import Dataset, Kind, SourceLocation
from pipeline.declare.graph import Graph, Node

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def no_query() -> DataFrame:
    raise NotImplementedError


def node(name: str, *, kind: Kind = "streaming_table", streams: list[str], snapshots: list[str] | None = None) -> Node:
    dataset = Dataset(name, kind, no_query, "", SourceLocation("pipeline.py", 1))
    return Node(dataset, streams=streams, snapshots=snapshots or [])


GRAPH = Graph({
    "raw": node("raw", streams=[]),
    "names": node("names", streams=[]),
    "named": node("named", kind="temporary_view", streams=["raw"], snapshots=["names"]),
    "clean": node("clean", streams=["named"], snapshots=["names"]),
})  # fmt: skip


def test_stored_inputs_of_a_reader_of_a_view_are_the_tables_behind_the_view_each_once() -> None:
    assert GRAPH.stored_inputs("clean") == ["raw", "names"]


def test_stored_inputs_of_a_table_without_inputs_are_empty() -> None:
    assert GRAPH.stored_inputs("raw") == []
