"""The engine's declarations of what a source declares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.databricks.change_flows import change_flow, snapshot_flow, upsert_rules
from pipeline.databricks.declared import DeclaredChanges, DeclaredFlow
from pipeline.databricks.source_query import SourceQuery
from pipeline.declare.dataset import AppendFlow, Dataset, Registry, RowRule, no_query
from pipeline.declare.once_table import read_once
from pipeline.declare.reading import read_quarantine, read_stream
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.databricks.declared import Declared, DeclaredDataset
    from pipeline.databricks.names import Names
    from pipeline.databricks.running import Running
    from pipeline.declare.dataset import Query
    from pipeline.settings import Settings

_RESET_ALLOWED = "pipelines.reset.allowed"
# What these properties ask for, Delta or the pipeline does by itself, or nobody here reads it.
_REMARKABLE = ("delta.", "pipelines.")


def registry_of(
    declared: Sequence[Declared], names: Names, running: Running, settings: Settings
) -> tuple[Registry, list[str]]:
    """Return the declarations as the engine's, and what in them changes nothing here.

    Raises:
        AuthorError: A declaration cannot be honoured, or two share a name.
    """
    registering = _Registering(names, running, settings)
    changed = {_full_target(item, names) for item in declared if isinstance(item, DeclaredChanges)}
    for item in declared:
        if not isinstance(item, DeclaredFlow | DeclaredChanges):
            registering.dataset(item, is_changed=names.full(item.name) in changed)
    for item in declared:
        if isinstance(item, DeclaredFlow):
            registering.flow(item)
        elif isinstance(item, DeclaredChanges):
            registering.changes(item)
    registry = registering.registry
    if not registry.datasets:
        problem = f"{settings.file}: the files of `sources` declare no table."
        raise AuthorError(problem, "Decorate a function with @dlt.table, or write CREATE STREAMING TABLE in SQL.")
    registry.close()
    return registry, registering.notes


@dataclass
class _Registering:
    """Registers the declarations of one pipeline.

    Attributes:
        notes: What in them changes nothing here.
    """

    names: Names
    running: Running
    settings: Settings
    registry: Registry = field(default_factory=Registry)
    notes: list[str] = field(default_factory=list)
    # Declarations whose rules judge the changes of a table.
    _judging: dict[str, DeclaredDataset] = field(default_factory=dict)

    def dataset(self, item: DeclaredDataset, *, is_changed: bool) -> None:
        """Register a table or view; with its quarantine, unless its rules judge its changes."""
        for problem, remedy in item.refused:
            raise AuthorError(f"{item.where}: `{item.name}`: {problem}", remedy)
        self.notes += _without_effect(item)
        try:
            name = self.names.declare(item.name)
        except AuthorError as error:
            error.put_at(item.where)
            raise
        rules = tuple(RowRule(rule.name, rule.condition, rule.action) for rule in item.expectations)
        if is_changed and rules:
            self._judging[name] = item
            rules = ()
        query = no_query if item.query is None else SourceQuery(item.query, name, item.where, self.running)
        self._register(
            Dataset(
                name=name,
                # Rows of a view are judged once, where they are stored.
                kind="table" if rules and item.kind == "temporary_view" else item.kind,
                query=query,
                comment=item.comment,
                location=item.where,
                rules=rules,
                quarantine=self._quarantine(name, rules),
                reset_allowed=item.properties.get(_RESET_ALLOWED, "true").lower() != "false",
            )
        )

    def flow(self, item: DeclaredFlow) -> None:
        """Register a flow that appends rows."""
        target = self.names.find(item.target)
        if target is None:
            problem = f"{item.where}: a flow appends to `{item.target}`, which is not declared."
            raise AuthorError(problem, f'Declare it with create_streaming_table("{item.target}").')
        query: Query = SourceQuery(item.query, target, item.where, self.running)
        if item.once:
            query = read_once(self.registry, target, item.name, query, item.where)
        self.registry.flows.append(AppendFlow(target, query, item.where))

    def changes(self, item: DeclaredChanges) -> None:
        """Register a flow of changes or snapshots.

        If the target has rules, they judge its changes in a table of their own.
        """
        judging = self._judging.get(self.names.find(item.target) or "")
        if item.is_of_snapshots:
            if judging is not None:
                problem = f"{judging.where}: `{item.target}` follows snapshots, and has expectations of its rows."
                raise AuthorError(problem, "Declare them for a table or view, and name that as the snapshots' source.")
            self.registry.snapshot_flows.append(snapshot_flow(item, self.names, self.running))
            return
        flow = change_flow(item, self.names, self.running)
        assert flow.query is not None
        if item.once:
            flow = replace(flow, query=read_once(self.registry, flow.target, item.name, flow.query, item.where))
        if judging is not None:
            assert flow.query is not None
            name = f"{flow.target}__changes"
            others = sum(other.target == flow.target for other in self.registry.change_flows)
            name = f"{name}_{others + 1}" if others else name
            rules = upsert_rules(judging.expectations, item)
            quarantine = self._quarantine(name if others else flow.target, rules)
            comment = f"Changes of {flow.target}, without those that its expectations dropped"
            location, reset_allowed = item.where, self.registry.datasets[flow.target].reset_allowed
            self._register(
                Dataset(
                    name, "streaming_table", flow.query, comment, location,
                    rules=rules, quarantine=quarantine, reset_allowed=reset_allowed,
                )
            )  # fmt: skip
            self.notes.append(f"{judging.where}: the expectations of `{flow.target}` judge its changes, in `{name}`")
            flow = replace(flow, query=partial(read_stream, name))
        self.registry.change_flows.append(flow)

    def _quarantine(self, name: str, rules: tuple[RowRule, ...]) -> str | None:
        keeps_rejected = self.settings.quarantine and any(rule.action == "drop" for rule in rules)
        return f"{name}__quarantine" if keeps_rejected else None

    def _register(self, dataset: Dataset) -> None:
        """Register a table or view, and the quarantine that it names."""
        self.registry.register(dataset)
        name, quarantine = dataset.name, dataset.quarantine
        if quarantine:
            comment = f"Rows that the expectations of {name} dropped, as its query made them, with the reasons"
            self.registry.register(
                Dataset(quarantine, "streaming_table", lambda: read_quarantine(name), comment, dataset.location)
            )


def _full_target(item: DeclaredChanges, names: Names) -> str:
    try:
        return names.full(item.target)
    except AuthorError as error:
        error.put_at(item.where)
        raise


def _without_effect(item: DeclaredDataset) -> list[str]:
    found = [f"`{option}`" for option in item.without_effect]
    stored = item.kind == "temporary_view" and bool(item.expectations)
    found += [f"`{key}`" for key in item.properties if key.startswith(_REMARKABLE) and key != _RESET_ALLOWED]
    if item.schema is not None:
        found.append("`schema`")
    notes = [f"{item.where}: `{item.name}` asks for {', '.join(found)}, without effect here"] if found else []
    if stored:
        notes.append(f"{item.where}: the view `{item.name}` has expectations, so its rows are stored as a table's")
    return notes
