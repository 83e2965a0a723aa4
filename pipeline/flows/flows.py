"""The flows of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.flows.change_table import ChangeTableFlow
from pipeline.flows.ingest import IngestFlow
from pipeline.flows.judged_ingest import JudgedIngestFlow
from pipeline.flows.judged_view import JudgedViewFlow
from pipeline.flows.once import OnceFlow
from pipeline.flows.snapshot_table import SnapshotTableFlow
from pipeline.flows.stateful import StatefulFlow
from pipeline.flows.stream import StreamFlow
from pipeline.flows.view import ViewFlow

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        elif node.dataset.kind == "materialized_view":
            flows.append(JudgedViewFlow(lakehouse, node) if node.dataset.rules else ViewFlow(lakehouse, node))
        elif node.dataset.once_for is not None:
            flows.append(OnceFlow(lakehouse, node))
        elif node.dataset.snapshots is not None:
            flows.append(SnapshotTableFlow(lakehouse, node, node.dataset.snapshots))
        elif node.dataset.changes is not None:
            flows.append(ChangeTableFlow(lakehouse, node, node.dataset.changes))
        elif lakehouse.streams[node.name].way != "by batch":
            flows.append(StatefulFlow(lakehouse, node))
        else:
            flows.append(stream := StreamFlow(lakehouse, node))
            if node.dataset.quarantine and not node.dataset.rules:
                quarantining.append(stream)
    return Flows(lakehouse, flows, ingesting, quarantining)
