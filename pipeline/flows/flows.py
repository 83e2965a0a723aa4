"""The flows of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.flows.change_table import ChangeTableFlow
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.judged_ingest import JudgedIngestFlow
from pipeline.flows.judged_view import JudgedViewFlow
from pipeline.flows.once import OnceFlow
from pipeline.flows.outside import OutsideFlow
from pipeline.flows.result_view import ResultViewFlow
from pipeline.flows.snapshot_table import SnapshotTableFlow
from pipeline.flows.stateful import StatefulFlow
from pipeline.flows.stream import StreamFlow
from pipeline.flows.view import ViewFlow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.declare.graph import Node
    from pipeline.flows.flow import Flow
    from pipeline.flows.open import Lakehouse


@dataclass(frozen=True)
class Flows:
    """A pipeline's flows, each list in dependency order.

    Attributes:
        lakehouse: What they work with.
        all: Every flow.
        ingesting: Those that read files.
        quarantining: Those that fill a quarantine beside their table, with rows of one source as the source has them.
    """

    lakehouse: Lakehouse
    all: Sequence[Flow]
    ingesting: Sequence[IngestFlow] = ()
    quarantining: Sequence[StreamFlow] = ()

    def downstream(self, tables: set[str]) -> list[Flow]:
        """Return the flows that read some tables, directly or not, without those that fill them."""
        names = self.lakehouse.graph.downstream(tables) - tables
        return [flow for flow in self.all if flow.node.name in names]

    def clean(self) -> None:
        """Archive or delete ingested files as their sources ask for."""
        for flow in self.all:
            flow.clean()

    def open_again(self) -> Flows:
        """Return the flows of the same pipeline, with the columns that its sources have now."""
        return flows_of(self.lakehouse.open_again())


def flows_of(lakehouse: Lakehouse) -> Flows:
    """Return the flows of a pipeline's tables; a quarantine is filled by the flow of its table."""
    flows: list[Flow] = []
    ingesting: list[IngestFlow] = []
    quarantining: list[StreamFlow] = []
    for node in lakehouse.graph.tables:
        if node.quarantine_of is not None:
            continue
        if node.files is not None:
            kind = JudgedIngestFlow if node.dataset.rules else IngestFlow
            ingesting.append(ingest := kind(lakehouse, node, node.files))
            flows.append(ingest)
        elif (other := _other_flow(lakehouse, node)) is not None:
            flows.append(other)
        else:
            flows.append(stream := StreamFlow(lakehouse, node))
            if node.dataset.quarantine and not node.dataset.rules:
                quarantining.append(stream)
    return Flows(lakehouse, flows, ingesting, quarantining)


def _other_flow(lakehouse: Lakehouse, node: Node) -> Flow | None:
    """Return the flow of a table that neither files nor single rows of another table fill; None for any other table."""
    if node.dataset.kind == "materialized_view":
        return _view_flow(lakehouse, node)
    if node.outside_stream is not None:
        return OutsideFlow(lakehouse, node, node.outside_stream)
    if node.dataset.once_for is not None:
        return OnceFlow(lakehouse, node)
    if node.dataset.snapshots is not None:
        return SnapshotTableFlow(lakehouse, node, node.dataset.snapshots)
    if node.dataset.changes is not None:
        return ChangeTableFlow(lakehouse, node, node.dataset.changes)
    return StatefulFlow(lakehouse, node) if lakehouse.streams[node.name].way != "by batch" else None


def _view_flow(lakehouse: Lakehouse, node: Node) -> ViewFlow:
    if node.dataset.rules:
        return JudgedViewFlow(lakehouse, node)
    is_by_results = lakehouse.views[node.name].way == "by stored results"
    return (ResultViewFlow if is_by_results else ViewFlow)(lakehouse, node)
