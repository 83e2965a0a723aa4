"""An update's graph as boxes and arrows, and as lines one below the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.events.summary import Summary
    from pipeline.events.table_progress import TableProgress

ArrowKind = Literal["flow", "rejected"]


@dataclass(frozen=True)
class Box:
    """A table, or a landing folder.

    Attributes:
        table: The table's progress; None for a landing folder.
    """

    name: str
    table: TableProgress | None = None


@dataclass(frozen=True)
class Arrow:
    """A flow of rows from one box to another.

    Attributes:
        kind: `rejected` if the rows are those that the source's expectations dropped.
        rows: How many rows; None if the table has several inputs, whose rows are counted together.
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
    # Copied, because another thread adds tables while an update runs.
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
    """Return an update's graph for machines, as `graph --format json` prints it."""
    diagram = diagram_of(summary)
    return {
        "update": summary.record(),
        "nodes": [box.table.record() if box.table else {"name": box.name, "type": "files"} for box in diagram.boxes],
        "edges": [asdict(arrow) for arrow in diagram.arrows],
    }


@dataclass(frozen=True)
class Station:
    """A box with the lines that lead to it.

    Attributes:
        lead: The characters before its name.
        below: The characters before further lines about it.
        others: Its other inputs, besides the one that it is listed below.
    """

    box: Box
    lead: str
    below: str
    others: tuple[str, ...] = ()


def stations(diagram: Diagram) -> Iterator[Station]:
    """Yield every box once, each below the last of its inputs, so that no arrow leads upwards."""
    boxes = {box.name: box for box in diagram.boxes}
    under: dict[str, Arrow] = {}
    for arrow in diagram.arrows:
        under[arrow.target] = arrow
    children: dict[str, list[Arrow]] = {name: [] for name in boxes}
    for arrow in under.values():
        children[arrow.source].append(arrow)

    def below(name: str, lead: str, rail: str) -> Iterator[Station]:
        inputs = [arrow.source for arrow in diagram.arrows if arrow.target == name]
        others = tuple(source for source in inputs if source != under[name].source) if name in under else ()
        yield Station(boxes[name], lead, rail + ("│ " if children[name] else "  "), others)
        for index, arrow in enumerate(children[name]):
            is_last = index == len(children[name]) - 1
            line = "┄▷ " if arrow.kind == "rejected" else "─▶ "
            yield from below(arrow.target, f"{rail}{'└' if is_last else '├'}{line}", rail + ("  " if is_last else "│ "))

    for name in boxes:
        if name not in under:
            yield from below(name, "", "")
