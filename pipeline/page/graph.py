"""The graph of one update: its datasets and landing folders, their figures, and the edges between them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.delta.commits import Watch
from pipeline.delta.description import DeltaReader
from pipeline.drawing.diagram import diagram_of
from pipeline.drawing.layout import lay_out
from pipeline.events.history import Record
from pipeline.home.lock import holder
from pipeline.ingest.declarations import declared_datasets
from pipeline.page.conservation import balance, files_balance, log_check
from pipeline.page.facts import Board, Check, EdgeFacts, GraphFacts, NodeFacts, UpdateFacts, UpdateInFull
from pipeline.page.files import Files
from pipeline.page.folding import folded

if TYPE_CHECKING:
    from pipeline.drawing.diagram import Diagram
    from pipeline.events.summary import Summary
    from pipeline.events.table_progress import TableProgress
    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home
    from pipeline.settings import Settings

# With this many cards or more, each shows only the most important figures.
MANY = 24
_ROOMY = (286.0, 168.0)
_COMPACT = (232.0, 84.0)
_GAPS = (62.0, 26.0)
# A card's sparkline shows so many updates; an update older than those looked at is shown without one.
_RECENT = 20
_UPDATES_LOOKED_AT = 60


class GraphReader:
    """Reads graphs and updates from the event log; safe to share between threads."""

    def __init__(self, home: Home, settings: Settings, clock: Clock) -> None:
        self.home = home
        self.settings = settings
        self.clock = clock
        self.record = Record(home, settings.target_schema)
        self.files = Files(home, settings)
        self._row_counts: dict[str, tuple[int, int]] = {}
        self._watched: dict[str, Watch] = {}

    def updates(self) -> list[UpdateFacts]:
        """Return every update, newest first."""
        return [UpdateFacts(**self._figures(one, position == 0)) for position, one in enumerate(self.record.updates())]

    def update(self, update_id: str | None) -> UpdateInFull | None:
        """Return one update with its tables; the newest without an id, None if there is none.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        summary = self.record.update(update_id)
        if summary is None:
            return None
        return UpdateInFull(**self._figures(summary, self._is_newest(summary)), nodes=self._nodes(summary))

    def graph(self, update_id: str | None = None, unfolded: list[str] | None = None) -> GraphFacts:
        """Return the graph as an update left it; that of the newest update without an id.

        Args:
            update_id: The update's id, or its first characters.
            unfolded: The groups to show table by table; None lets the size of the graph decide.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        summary = shown = self.record.update(update_id)
        if summary is not None and not summary.tables and update_id is None:
            # An update that has just begun has no definitions yet: show the graph of the one before.
            shown = next((one for one in self.record.updates() if one.tables), None)
            if shown is not None and not summary.has_ended:
                shown = shown.definitions()
        facts: dict[str, Any] = {
            "pipeline": self.settings.name,
            "home": str(self.home.root),
            "update": UpdateFacts(**self._figures(summary, self._is_newest(summary))) if summary else None,
            "waiting_files": self.files.waiting(),
        }
        if shown is None:
            return GraphFacts(**facts, declared=[one.name for one in declared_datasets(self.home, self.settings)])
        found = folded(self._nodes(shown), edges_of(diagram_of(shown)), unfolded)
        board, nodes, edges = laid_out(found.nodes, found.edges)
        return GraphFacts(**facts, groups=found.groups, board=board, nodes=nodes, edges=edges)

    def _is_newest(self, summary: Summary) -> bool:
        newest = self.record.update()
        return newest is not None and newest.update_id == summary.update_id

    def _figures(self, summary: Summary, is_newest: bool) -> dict[str, Any]:
        so_far = summary.duration(self.clock.now())
        return {
            **summary.record(),
            "duration_seconds": None if so_far is None else so_far.total_seconds(),
            "is_live": not summary.has_ended,
            "is_newest": is_newest,
            "selection": summary.selection,
        }

    def _nodes(self, summary: Summary) -> list[NodeFacts]:
        totals = self.record.totals()
        # During an update the tables and the log differ for a moment, so they are compared only between updates.
        is_quiet = self._is_newest(summary) and holder(self.home) is None
        nodes = []
        recent = self._recent(summary)
        for box in diagram_of(summary).boxes:
            if box.table is None:
                reader = next(table for table in summary.tables.values() if box.name in table.files)
                nodes.append(self._folder(box.name, reader, summary, totals[reader.name], is_quiet=is_quiet))
            else:
                node = self._table(box.table, summary, totals[box.table.name], is_quiet=is_quiet)
                nodes.append(node.model_copy(update={"recent": recent.get(node.name, [])}))
        return nodes

    def _recent(self, summary: Summary) -> dict[str, list[int]]:
        """Return the rows that each table received in the updates up to this one, oldest first."""
        newest_first = self.record.updates(_UPDATES_LOOKED_AT)
        ids = [one.update_id for one in newest_first]
        start = ids.index(summary.update_id) if summary.update_id in ids else len(ids)
        recent: dict[str, list[int]] = {}
        for one in reversed(newest_first[start : start + _RECENT]):
            for table in list(one.tables.values()):
                recent.setdefault(table.name, []).append(table.rows_written)
        return recent

    def _table(self, table: TableProgress, summary: Summary, total: int, *, is_quiet: bool) -> NodeFacts:
        quarantine = next((one for one in summary.tables.values() if one.quarantine_of == table.name), None)
        source = summary.tables.get(table.quarantine_of) if table.quarantine_of else None
        conservation = None
        if table.kind != "temporary_view" and table.status:
            check = self._log_check(table.name, total) if is_quiet else None
            conservation = balance(table, quarantine, source, check)
        return NodeFacts(
            **table.record(),
            seconds=table.seconds(self.clock.now()),
            rows_total=total,
            skipped_because=_skip_reason(table, summary),
            conservation=conservation,
        )

    def _folder(self, folder: str, reader: TableProgress, summary: Summary, total: int, *, is_quiet: bool) -> NodeFacts:
        counts = self.files.counts(reader.name, summary.update_id)
        return NodeFacts(
            name=folder,
            type="files",
            comment=str(self.home.root / folder),
            files=counts,
            conservation=files_balance(counts, total) if is_quiet else None,
        )

    def _log_check(self, name: str, total: int) -> Check:
        reader = DeltaReader(self.home.table(self.settings.target_schema, name).data)
        version = self._watched.setdefault(name, Watch(reader.path)).version()
        if name not in self._row_counts or self._row_counts[name][0] != version:
            self._row_counts[name] = (version, reader.row_count())
        return log_check(total, self._row_counts[name][1])


def _skip_reason(table: TableProgress, summary: Summary) -> str | None:
    if table.status != "SKIPPED":
        return None
    upstream = summary.upstream(table.name)
    failed = next((name for name in summary.failures if name in upstream), None)
    return f"{failed} failed" if failed else "an input failed"


def edges_of(diagram: Diagram) -> list[EdgeFacts]:
    """Return the lines of a diagram, without their routes."""
    return [EdgeFacts(**asdict(arrow), points=[]) for arrow in diagram.arrows]


def laid_out(nodes: list[NodeFacts], edges: list[EdgeFacts]) -> tuple[Board, list[NodeFacts], list[EdgeFacts]]:
    """Return the board's size, the nodes with their places on it, and the edges with their routes."""
    width, height = size = _ROOMY if len(nodes) < MANY else _COMPACT
    pairs = [(edge.source, edge.target) for edge in edges]
    layout = lay_out({node.name: size for node in nodes}, pairs, gap_x=_GAPS[0], gap_y=_GAPS[1])
    places = layout.places
    placed = [node.model_copy(update={"x": places[node.name].x, "y": places[node.name].y}) for node in nodes]
    routed = [edge.model_copy(update={"points": layout.routes[edge.source, edge.target]}) for edge in edges]
    return Board(width=layout.width, height=layout.height, card_width=width, card_height=height), placed, routed
