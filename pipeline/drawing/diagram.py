"""An update's graph as boxes and arrows, before anybody says where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipeline.summary import Summary
    from pipeline.table_progress import TableProgress

BoxKind = Literal["files", "table"]
ArrowKind = Literal["flow", "rejected"]


@dataclass(frozen=True)
class Box:
    """A table, or a landing folder.

    Attributes:
        table: What the table did; None for a landing folder.
    """

    name: str
    table: TableProgress | None = None

    @property
    def kind(self) -> BoxKind:
        """Whether it is a table or a folder of files."""
        return "files" if self.table is None else "table"


@dataclass(frozen=True)
class Arrow:
    """Rows go from one box to another.

    Attributes:
        kind: `rejected` where the rows are those that the source's expectations left out.
        rows: How many went this way; None where a table has several inputs, which are counted together.
    """

    source: str
    target: str
    kind: ArrowKind
    rows: int | None


@dataclass(frozen=True)
class Diagram:
    """All boxes and arrows of an update."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The arrows' ends."""
        return [(arrow.source, arrow.target) for arrow in self.arrows]


def diagram_of(summary: Summary) -> Diagram:
    """Return the graph of an update: landing folders first, then the tables in the order of their definitions."""
    # A copy at once: while an update runs, another thread adds tables.
    tables = list(summary.tables.values())
    folders = dict.fromkeys(folder for table in tables for folder in table.files)
    boxes = [Box(folder) for folder in folders] + [Box(table.name, table) for table in tables]
    known = {box.name for box in boxes}
    arrows = [
        Arrow(
            source,
            table.name,
            "rejected" if source == table.quarantine_of else "flow",
            table.rows_in if len(table.inputs) == 1 else None,
        )
        for table in tables
        for source in table.inputs
        if source in known
    ]
    return Diagram(tuple(boxes), tuple(arrows))


def diagram_facts(summary: Summary) -> dict[str, Any]:
    """Return an update's graph for machines: what `graph --format json` prints and the page draws."""
    diagram = diagram_of(summary)
    return {
        "update": summary.record(),
        "nodes": [_node(box) for box in diagram.boxes],
        "edges": [
            {"source": arrow.source, "target": arrow.target, "kind": arrow.kind, "rows": arrow.rows}
            for arrow in diagram.arrows
        ],
    }


def _node(box: Box) -> dict[str, Any]:
    if box.table is None:
        return {"name": box.name, "type": "files"}
    return {"name": box.name, "type": box.table.kind, **box.table.record()}
