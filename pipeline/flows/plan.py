"""Which flows a pipeline has, and which of them an update runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.flows.ingest import IngestFlow
from pipeline.flows.stream import StreamFlow
from pipeline.flows.view import ViewFlow

if TYPE_CHECKING:
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.graph import Graph, Node
    from pipeline.selection import Selection


def flows_of(lakehouse: Lakehouse) -> list[Flow]:
    """Return the flows of a pipeline's tables, in dependency order."""
    return [_flow_of(lakehouse, node) for node in lakehouse.graph.tables if node.quarantine_of is None]


def chosen_tables(graph: Graph, selection: Selection) -> tuple[set[str], set[str]]:
    """Return the datasets that a selection refreshes, and those of them that begin anew.

    Raises:
        UnknownNameError: It names a table that nobody declared.
    """
    everything = {node.name for node in graph.tables}
    reset = everything if selection.full_refresh_all else graph.downstream(graph.filled_with(selection.full_refresh))
    if selection.refresh or (selection.full_refresh and not selection.full_refresh_all):
        return graph.upstream(set(selection.refresh)) | reset, reset
    return everything, reset


def clean_landing_zones(flows: list[Flow]) -> None:
    """Archive or delete what the sources want gone from the landing zone."""
    for flow in flows:
        if isinstance(flow, IngestFlow):
            flow.clean()


def _flow_of(lakehouse: Lakehouse, node: Node) -> Flow:
    if node.files is not None:
        return IngestFlow(lakehouse, node, node.files)
    if node.dataset.kind == "materialized_view":
        return ViewFlow(lakehouse, node)
    return StreamFlow(lakehouse, node)
