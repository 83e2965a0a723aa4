"""The engine's declarations of what a source declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError

from pipeline.databricks.declared import DeclaredChanges, DeclaredFlow
from pipeline.databricks.running import line_of_error
from pipeline.declare.dataset import AppendFlow, Dataset, Registry, RowRule, no_query
from pipeline.declare.reading import read_quarantine
from pipeline.foundation.errors import AuthorError, LakehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from pipeline.databricks.declared import Declared, DeclaredDataset
    from pipeline.databricks.names import Names
    from pipeline.databricks.running import Running
    from pipeline.declare.dataset import Query, SourceLocation
    from pipeline.settings import Settings

_RESET_ALLOWED = "pipelines.reset.allowed"
# What these properties ask for, Delta or the pipeline does by itself, or nobody here reads it.
_REMARKABLE = ("delta.", "pipelines.")


@dataclass(frozen=True)
class SourceQuery:
    """A query of the source: called, it runs as the author's code does.

    Attributes:
        function: The query itself.
        name: The dataset that it is of.
        where: Its declaration.
        running: The pipeline's code.
    """

    function: Query
    name: str
    where: SourceLocation
    running: Running

    def __call__(self) -> DataFrame:
        """Return the query's rows.

        Raises:
            AuthorError: The query does not run; the message names its line.
        """
        try:
            with self.running.active():
                return self.function()
        except (LakehouseError, Py4JError, OSError):
            raise
        except Exception as error:
            where = line_of_error(error, self.running.files) or self.where
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            problem = f"{where}: the query of `{self.name}` does not run: {first_line}"
            raise AuthorError(problem, "Correct the query; `python -m pipeline dry-run` tries it.") from error


def registry_of(
    declared: Sequence[Declared], names: Names, running: Running, settings: Settings
) -> tuple[Registry, list[str]]:
    """Return the declarations as the engine's, and what in them changes nothing here.

    Raises:
        AuthorError: A declaration cannot be honoured, or two share a name.
    """
    registry, notes = Registry(), []
    for item in declared:
        if isinstance(item, DeclaredChanges):
            problem = f"{item.where}: `{item.target}` is filled by AUTO CDC, which no flow of this engine does yet."
            raise AuthorError(problem, "Take this table and what reads it out of `sources` for now.")
        if not isinstance(item, DeclaredFlow):
            for problem, remedy in item.refused:
                raise AuthorError(f"{item.where}: `{item.name}`: {problem}", remedy)
            notes += _without_effect(item)
            _register(item, registry, names, running, settings)
    for item in declared:
        if isinstance(item, DeclaredFlow):
            target = names.find(item.target)
            if target is None:
                problem = f"{item.where}: a flow appends to `{item.target}`, which is not declared."
                raise AuthorError(problem, f'Declare it with create_streaming_table("{item.target}").')
            if item.once:
                problem = f"{item.where}: the flow into `{target}` has `once`."
                raise AuthorError(problem, "No flow of this engine does that yet; load those rows from files.")
            registry.flows.append(AppendFlow(target, SourceQuery(item.query, target, item.where, running), item.where))
    if not registry.datasets:
        problem = f"{settings.file}: the files of `sources` declare no table."
        raise AuthorError(problem, "Decorate a function with @dlt.table, or write CREATE STREAMING TABLE in SQL.")
    registry.close()
    return registry, notes


def _register(item: DeclaredDataset, registry: Registry, names: Names, running: Running, settings: Settings) -> None:
    try:
        name = names.declare(item.name)
    except AuthorError as error:
        error.put_at(item.where)
        raise
    rules = tuple(RowRule(rule.name, rule.condition, rule.action) for rule in item.expectations)
    keeps_rejected = settings.quarantine and any(rule.action == "drop" for rule in rules)
    query = no_query if item.query is None else SourceQuery(item.query, name, item.where, running)
    quarantine = f"{name}__quarantine" if keeps_rejected else None
    registry.register(
        Dataset(
            name=name,
            # Rows of a view are judged once, where they are stored.
            kind="table" if rules and item.kind == "temporary_view" else item.kind,
            query=query,
            comment=item.comment,
            location=item.where,
            rules=rules,
            quarantine=quarantine,
            reset_allowed=item.properties.get(_RESET_ALLOWED, "true").lower() != "false",
        )
    )
    if quarantine:
        comment = f"Rows that the expectations of {name} dropped, as its query made them, with the reasons"
        registry.register(Dataset(quarantine, "streaming_table", lambda: read_quarantine(name), comment, item.where))


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
