"""Everything behind one table, for the panel that opens when it is clicked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.errors import UnknownNameError
from pipeline.ingest.schema_log import SchemaLog
from pipeline.page.delta import DeltaReader
from pipeline.page.plain import plain
from pipeline.page.source_code import declaration_of
from pipeline.page.table_facts import (
    AddedColumn,
    ReasonFacts,
    RuleFacts,
    RulePoint,
    SchemaVersionFacts,
    SourceFacts,
    TableFacts,
)

if TYPE_CHECKING:
    from pipeline.page.facts import NodeFacts, UpdateFacts
    from pipeline.page.graph import GraphReader
    from pipeline.table_progress import TableProgress

_ROWS = 50
_COMMITS = 50
_UPDATES = 100


class TableReader:
    """Reads what the lakehouse knows of single tables."""

    def __init__(self, graphs: GraphReader) -> None:
        self._graphs = graphs
        self._home = graphs.home
        self._schema = graphs.settings.target_schema

    def facts(self, name: str, update_id: str | None = None) -> TableFacts:
        """Return everything behind a table, its figures those of an update; of the newest without an id.

        Raises:
            UnknownNameError: The update knows no such dataset.
            UnknownUpdateError: No update, or more than one, has such an id.
        """
        graph = self._graphs.graph(update_id)
        nodes = {node.name: node for node in graph.nodes}
        if name not in nodes:
            raise UnknownNameError("table", name, nodes, "The pipeline")
        node = nodes[name]
        facts = TableFacts(node=node, update=graph.update)
        if node.type == "files":
            reader = next(edge.target for edge in graph.edges if edge.source == name)
            facts.files = self._graphs.files.facts(reader)
            return facts
        self._add_table(facts, node)
        progress = self._progress(name, graph.update)
        if progress is not None:
            facts.expectations = self._expectations(progress)
            facts.source = self._source(progress)
        return facts

    def _add_table(self, facts: TableFacts, node: NodeFacts) -> None:
        table = DeltaReader(self._home.schema(self._schema) / node.name)
        facts.files = self._graphs.files.facts(node.name)
        facts.columns = table.columns()
        facts.history = table.history(_COMMITS)
        facts.schema_versions = self._versions(node, table)
        facts.rows = [{key: plain(value) for key, value in row.items()} for row in table.newest_rows(_ROWS)]
        if node.quarantine_of is not None:
            facts.reasons = _reasons(table)

    def _progress(self, name: str, update: UpdateFacts | None) -> TableProgress | None:
        summary = self._graphs.record.update(update.update_id) if update else None
        if summary is None or name not in summary.tables:
            known = (one for one in self._graphs.record.updates() if name in one.tables)
            summary = next(known, None)
        return summary.tables[name] if summary else None

    def _versions(self, node: NodeFacts, table: DeltaReader) -> list[SchemaVersionFacts]:
        """Return how the columns came about, newest version first.

        A table that reads files has a log of its own; the others follow what their sources bring.
        """
        brought = self._brought_by()
        versions = SchemaLog(self._home.state / "schema_log" / self._schema / node.name).versions()
        if versions:
            kinds = {column.name: column.type for column in versions[-1].columns}
            return [
                SchemaVersionFacts(
                    version=version.version,
                    at=version.created_at,
                    added=[
                        AddedColumn(name=one, type=kinds.get(one), brought_by=by) for one, by in version.added.items()
                    ],
                    removed=list(version.held_back),
                )
                for version in reversed(versions)
            ]
        changes = table.schema_changes()
        return [
            SchemaVersionFacts(
                version=change.version,
                at=change.at,
                # What a table began with was declared; only what came later was brought by a file.
                added=[
                    AddedColumn(name=one, type=kind, brought_by=brought.get(one) if change is not changes[0] else None)
                    for one, kind in change.added.items()
                ],
                removed=list(change.removed),
            )
            for change in reversed(changes)
        ]

    def _brought_by(self) -> dict[str, str]:
        """Return, for each column that a file brought, that file."""
        folder = self._home.state / "schema_log" / self._schema
        brought: dict[str, str] = {}
        for log in sorted(folder.iterdir()) if folder.is_dir() else ():
            for version in SchemaLog(log).versions():
                brought |= {name: by for name, by in version.added.items() if by != "schema_hints"}
        return brought

    def _expectations(self, progress: TableProgress) -> list[RuleFacts]:
        series: dict[str, list[RulePoint]] = {}
        for outcome in reversed(self._graphs.record.expectations(progress.name, _UPDATES)):
            point = RulePoint(update_id=outcome.update_id, at=outcome.at, passed=outcome.passed, failed=outcome.failed)
            series.setdefault(outcome.name, []).append(point)
        return [
            RuleFacts(
                name=name,
                action=action,
                why=progress.reasons.get(name, ""),
                passed=progress.passed.get(name, 0),
                failed=progress.failed.get(name, 0),
                series=series.get(name, []),
            )
            for name, action in progress.actions.items()
        ]

    def _source(self, progress: TableProgress) -> SourceFacts | None:
        code = declaration_of(progress.name, progress.location, self._graphs.settings.source)
        return SourceFacts(file=code.file, line=code.line, text=code.text) if code else None


def _reasons(table: DeltaReader) -> list[ReasonFacts]:
    """Return how many rows each expectation rejected, the most frequent first."""
    counted: Counter[str] = Counter()
    for reasons in table.column("failed_expectations"):
        counted.update(reasons or ())
    return [ReasonFacts(name=name, rows=rows) for name, rows in counted.most_common()]
