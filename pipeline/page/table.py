"""Everything about one table, for the panel that opens when its card is clicked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.delta.description import DeltaReader
from pipeline.foundation.errors import UnknownNameError
from pipeline.ingest.schema_log import HINTED, SchemaLog
from pipeline.page.plain import plain
from pipeline.page.source_code import declaration_of
from pipeline.page.table_facts import AddedColumn, ReasonFacts, RuleFacts, SchemaVersionFacts, TableFacts

if TYPE_CHECKING:
    from pipeline.events.table_progress import TableProgress
    from pipeline.home.schema_places import SchemaPlaces
    from pipeline.page.facts import NodeFacts, UpdateFacts
    from pipeline.page.graph import GraphReader

_ROWS = 50
_COMMITS = 50
_UPDATES = 100


@dataclass
class TableReader:
    """Reads what the lakehouse knows about single tables."""

    graphs: GraphReader

    @property
    def _places(self) -> SchemaPlaces:
        return self.graphs.home.schema(self.graphs.settings.target_schema)

    def facts(self, name: str, update_id: str | None = None, *, whole: bool = False) -> TableFacts:
        """Return everything about a table or a landing folder, with its figures in an update.

        Args:
            name: The table, or the landing folder as the graph names it.
            update_id: The update, or the beginning of its id. Defaults to the newest.
            whole: Whether long texts of the rows are whole instead of cut.

        Raises:
            UnknownNameError: The update has no such dataset.
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        graph = self.graphs.graph(update_id)
        nodes = {node.name: node for node in graph.nodes}
        if name not in nodes:
            raise UnknownNameError("table", name, nodes, "The pipeline")
        node = nodes[name]
        if node.type == "files":
            reader = next(edge.target for edge in graph.edges if edge.source == name)
            return TableFacts(node=node, update=graph.update, files=self.graphs.files.facts(reader))
        return TableFacts(
            node=node, update=graph.update, **self._stored(node, whole=whole), **self._declared(name, graph.update)
        )

    def _stored(self, node: NodeFacts, *, whole: bool) -> dict[str, Any]:
        table = DeltaReader(self._places.table(node.name).data)
        return {
            "files": self.graphs.files.facts(node.name),
            "columns": table.columns(),
            "history": table.history(_COMMITS),
            "schema_versions": self._versions(node, table),
            "rows": [
                {key: plain(value, whole=whole) for key, value in row.items()} for row in table.newest_rows(_ROWS)
            ],
            "reasons": _reasons(table) if node.quarantine_of is not None else [],
        }

    def _declared(self, name: str, update: UpdateFacts | None) -> dict[str, Any]:
        progress = self._progress(name, update)
        if progress is None:
            return {}
        source = declaration_of(name, progress.location, self.graphs.settings.source)
        return {"expectations": self._expectations(progress), "source": source}

    def _progress(self, name: str, update: UpdateFacts | None) -> TableProgress | None:
        summary = self.graphs.record.update(update.update_id) if update else None
        if summary is None or name not in summary.tables:
            known = (one for one in self.graphs.record.updates() if name in one.tables)
            summary = next(known, None)
        return summary.tables[name] if summary else None

    def _versions(self, node: NodeFacts, table: DeltaReader) -> list[SchemaVersionFacts]:
        """Return the versions of a table's columns, newest first.

        A table that reads files has a schema log; the versions of other tables are found in their commits.
        """
        logged = SchemaLog(self._places.table(node.name).schema_log).differences()
        if logged:
            return [SchemaVersionFacts(**one, at=one["created_at"]) for one in reversed(logged)]
        brought, changes = self._brought_by(), table.schema_changes()
        return [
            SchemaVersionFacts(
                version=change.version,
                at=change.at,
                # The first columns were declared; only later ones were brought by a file.
                added=[
                    AddedColumn(name=one, type=kind, brought_by=brought.get(one) if change is not changes[0] else None)
                    for one, kind in change.added.items()
                ],
                removed=list(change.removed),
            )
            for change in reversed(changes)
        ]

    def _brought_by(self) -> dict[str, str]:
        """Return the file that brought each column; declared columns are left out."""
        folder = self._places.schema_logs
        brought: dict[str, str] = {}
        for log in sorted(folder.iterdir()) if folder.is_dir() else ():
            for version in SchemaLog(log).versions():
                brought |= {name: by for name, by in version.added.items() if by != HINTED}
        return brought

    def _expectations(self, progress: TableProgress) -> list[RuleFacts]:
        outcomes = self.graphs.record.expectations(progress.name, _UPDATES)
        return [
            RuleFacts(
                name=name,
                action=action,
                why=progress.reasons.get(name, ""),
                passed=progress.passed.get(name, 0),
                failed=progress.failed.get(name, 0),
                series=outcomes.get(name, [])[::-1],
            )
            for name, action in progress.actions.items()
        ]


def _reasons(table: DeltaReader) -> list[ReasonFacts]:
    """Return how many rows each expectation rejected, most frequent first."""
    counted: Counter[str] = Counter()
    for reasons in table.column("failed_expectations"):
        counted.update(reasons or ())
    return [ReasonFacts(name=name, rows=rows) for name, rows in counted.most_common()]
