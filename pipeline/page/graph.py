"""The graph of one update: datasets and landing folders, their figures, and what flows between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.drawing.diagram import diagram_of
from pipeline.graph import load_declarations
from pipeline.lock import holder
from pipeline.page.board import laid_out
from pipeline.page.conservation import balance, files_balance, ledger
from pipeline.page.delta import DeltaReader
from pipeline.page.facts import Check, GraphFacts, NodeFacts, UpdateFacts, UpdateInFull
from pipeline.page.files import Files
from pipeline.page.stream import Watched
from pipeline.record.record import Record

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.home import Home
    from pipeline.record.record import TableTotals
    from pipeline.settings import Settings
    from pipeline.summary import Summary
    from pipeline.table_progress import TableProgress


class GraphReader:
    """Reads graphs and updates from the event log; safe to share between threads."""

    def __init__(self, home: Home, settings: Settings, clock: Clock) -> None:
        self.home = home
        self.settings = settings
        self.clock = clock
        self.record = Record(home, settings.target_schema)
        self.files = Files(home, settings)
        self._rows: dict[str, tuple[int, int]] = {}
        self._watched: dict[str, Watched] = {}

    def updates(self) -> list[UpdateFacts]:
        """Return every update, newest first."""
        return [self._update(summary, is_newest=at == 0) for at, summary in enumerate(self.record.updates())]

    def update(self, update_id: str | None) -> UpdateInFull | None:
        """Return one update with its tables; the newest without an id, None where there is none.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        summary = self.record.update(update_id)
        if summary is None:
            return None
        return UpdateInFull(**self._facts_of(summary).model_dump(), nodes=self._nodes(summary))

    def graph(self, update_id: str | None = None) -> GraphFacts:
        """Return the graph as an update left it; that of the newest update without an id.

        Raises:
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        summary = self.record.update(update_id)
        facts = GraphFacts(pipeline=self.settings.name, home=str(self.home.root))
        facts.waiting_files = self.files.waiting()
        if summary is not None and not summary.tables and update_id is None:
            # An update that has only begun defines nothing yet; the graph of the one before is still true.
            facts.update = self._facts_of(summary)
            summary = next((one for one in self.record.updates() if one.tables), None)
            if summary is not None and facts.update.is_live:
                return self._draw(facts, summary, told=False)
        if summary is None:
            facts.declared = list(load_declarations(self.settings.source).datasets)
            return facts
        facts.update = facts.update or self._facts_of(summary)
        return self._draw(facts, summary)

    def _facts_of(self, summary: Summary) -> UpdateFacts:
        newest = self.record.update()
        return self._update(summary, is_newest=newest is not None and newest.update_id == summary.update_id)

    def _update(self, summary: Summary, *, is_newest: bool) -> UpdateFacts:
        took = summary.duration(self.clock.now())
        return UpdateFacts(
            update_id=summary.update_id,
            state=summary.state,
            cause=summary.cause,
            run_as=summary.run_as,
            created_at=summary.created_at,
            ended_at=summary.ended_at,
            duration_seconds=took.total_seconds() if took else None,
            is_live=not summary.has_ended,
            is_newest=is_newest,
            rows_in=summary.rows_in,
            rows_written=summary.rows_written,
            rows_dropped=summary.rows_dropped,
            rows_warned=summary.rows_warned,
            failures=summary.failures,
            errors=summary.errors,
            selection=summary.selection,
        )

    def _nodes(self, summary: Summary, *, told: bool = True) -> list[NodeFacts]:
        """Return the nodes of an update's graph; without what it did where that is not to be told."""
        totals = self.record.totals()
        newest = self.record.update()
        # Tables are compared with the log only while nobody writes: in between, one is ahead of the other.
        settled = newest is not None and newest.update_id == summary.update_id and holder(self.home) is None
        nodes = []
        for box in diagram_of(summary).boxes:
            if box.table is None:
                reader = next(table for table in summary.tables.values() if box.name in table.files)
                nodes.append(self._landing(box.name, reader, summary.update_id, totals, settled=settled))
            elif told:
                nodes.append(self._node(box.table, summary, totals, settled=settled))
            else:
                nodes.append(_untold(box.table, totals))
        return nodes

    def _draw(self, facts: GraphFacts, summary: Summary, *, told: bool = True) -> GraphFacts:
        facts.nodes = self._nodes(summary, told=told)
        facts.board, facts.edges = laid_out(diagram_of(summary), facts.nodes, told=told)
        return facts

    def _node(
        self, table: TableProgress, summary: Summary, totals: dict[str, TableTotals], *, settled: bool
    ) -> NodeFacts:
        node = _untold(table, totals)
        quarantine = next((one for one in summary.tables.values() if one.quarantine_of == table.name), None)
        source = summary.tables.get(table.quarantine_of) if table.quarantine_of else None
        compared = self._compared(table, totals) if settled else None
        node.status = table.status
        node.seconds = table.seconds(self.clock.now())
        node.rows_in, node.rows_written, node.rows_deleted = table.rows_in, table.rows_written, table.rows_deleted
        node.rows_dropped, node.rows_warned = table.rows_dropped, table.rows_warned
        node.notes, node.error = table.notes, table.error
        if table.status == "SKIPPED":
            broken = [name for name in summary.failures if name in upstream(table.name, summary)]
            node.skipped_because = f"{broken[0]} failed" if broken else "what it reads failed"
        if table.kind != "temporary_view" and table.status:
            node.conservation = balance(table, quarantine, source, compared)
        return node

    def _compared(self, table: TableProgress, totals: dict[str, TableTotals]) -> Check | None:
        if table.kind == "temporary_view":
            return None
        total = totals[table.name]
        return ledger(total.rows_written, total.rows_deleted, self._held(table.name))

    def _held(self, name: str) -> int:
        reader = DeltaReader(self.home.schema(self.settings.target_schema) / name)
        version = self._watched.setdefault(name, Watched(reader.path)).version()
        if name not in self._rows or self._rows[name][0] != version:
            self._rows[name] = (version, reader.row_count())
        return self._rows[name][1]

    def _landing(
        self, folder: str, table: TableProgress, update_id: str, totals: dict[str, TableTotals], *, settled: bool
    ) -> NodeFacts:
        counts = self.files.counts(table.name, update_id)
        total = totals[table.name]
        return NodeFacts(
            name=folder,
            type="files",
            comment=str(self.home.root / folder),
            files=counts,
            conservation=files_balance(counts, total.rows_written - total.rows_deleted) if settled else None,
        )


def upstream(name: str, summary: Summary) -> set[str]:
    """Return the datasets that one reads, directly or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        table = summary.tables.get(waiting.pop())
        for one in table.inputs if table else ():
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _untold(table: TableProgress, totals: dict[str, TableTotals]) -> NodeFacts:
    """Return a dataset of which an update has not told anything yet."""
    total = totals.get(table.name)
    return NodeFacts(
        name=table.name,
        type=table.kind,
        quarantine_of=table.quarantine_of,
        comment=table.comment,
        inputs=list(table.inputs),
        rows_total=total.rows_written - total.rows_deleted if total else 0,
    )
