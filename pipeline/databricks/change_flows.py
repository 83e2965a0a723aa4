"""The engine's flows of the changes that a source declares, and the tables in which changes are judged first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline.databricks.source_query import SourceQuery
from pipeline.declare.change_flow import ChangeFlow
from pipeline.declare.dataset import RowRule
from pipeline.declare.snapshot_flow import SnapshotFlow
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

    from pipeline.databricks.declared import DeclaredChanges, DeclaredExpectation
    from pipeline.databricks.names import Names
    from pipeline.databricks.running import Running


@dataclass(frozen=True)
class ChangesSource:
    """The rows of the source of changes or snapshots: called, it returns them.

    Attributes:
        changes: The declaration.
        running: The pipeline's code.
    """

    changes: DeclaredChanges
    running: Running

    def __call__(self) -> DataFrame:
        """Return the rows.

        Raises:
            AuthorError: There is no such source.
        """
        changes = self.changes
        try:
            found = changes.source
            as_stream = not (changes.is_of_snapshots or changes.once)
            rows = self.running.reads.table(found, as_stream=as_stream) if isinstance(found, str) else found()
            if changes.condition is not None:
                # Checked and not applied, as in the original.
                rows.where(changes.condition)
        except AuthorError as error:
            if not any(error.problem.startswith(file) for file in self.running.files):
                error.put_at(changes.where)
            raise
        return rows


def change_flow(item: DeclaredChanges, names: Names, running: Running) -> ChangeFlow:
    """Return the engine's flow of declared changes.

    Raises:
        AuthorError: The target is not declared, or the flow cannot be honoured.
    """
    target = _target(item, names)
    if item.sequence_by is None:
        problem = f"{item.where}: the changes of `{target}` have nothing that orders them."
        raise AuthorError(problem, "Write SEQUENCE BY and a column of the source.")
    return ChangeFlow(
        target=target,
        source=item.source if isinstance(item.source, str) else "the query of its changes",
        keys=item.keys,
        sequence_by=item.sequence_by,
        location=item.where,
        scd_type=item.scd_type,
        apply_as_deletes=item.apply_as_deletes,
        apply_as_truncates=item.apply_as_truncates,
        ignore_null_updates=item.ignore_null_updates,
        ignore_null_updates_column_list=item.null_columns,
        ignore_null_updates_except_column_list=item.null_except_columns,
        column_list=item.columns,
        except_column_list=item.except_columns,
        track_history_column_list=item.track_columns,
        track_history_except_column_list=item.track_except_columns,
        name=item.name,
        # Tables have the columns of the source, whatever their names.
        keeps_ingestion_columns=True,
        query=SourceQuery(ChangesSource(item, running), target, item.where, running),
    )


def snapshot_flow(item: DeclaredChanges, names: Names, running: Running) -> SnapshotFlow:
    """Return the engine's flow of declared snapshots.

    Raises:
        AuthorError: The target is not declared, or the flow cannot be honoured.
    """
    target, query = _target(item, names), None
    if isinstance(item.source, str):
        query = SourceQuery(ChangesSource(item, running), target, item.where, running)
        source, following = item.source, None
    else:
        source = getattr(item.source, "__name__", "its function")
        following = SourceQuery(item.source, target, item.where, running)
    return SnapshotFlow(
        target=target,
        source=source,
        keys=item.keys,
        location=item.where,
        read=query,
        following=following,
        scd_type=item.scd_type,
        track_history_column_list=item.track_columns,
        track_history_except_column_list=item.track_except_columns,
        keeps_ingestion_columns=True,
    )


def _target(item: DeclaredChanges, names: Names) -> str:
    target = names.find(item.target)
    if target is None:
        problem = f"{item.where}: changes go into `{item.target}`, which is not declared."
        raise AuthorError(problem, f'Declare it with create_streaming_table("{item.target}").')
    return target


def upsert_rules(expectations: Iterable[DeclaredExpectation], item: DeclaredChanges) -> tuple[RowRule, ...]:
    """Return rules for changes that judge those which insert or update: a delete often has nothing but its key."""
    others = [condition for condition in (item.apply_as_deletes, item.apply_as_truncates) if condition is not None]
    passing = [F.coalesce(_column(condition).cast("boolean"), F.lit(False)) for condition in others]
    rules = []
    for rule in expectations:
        condition = rule.condition
        for passes in passing:
            condition = passes | _column(condition)
        rules.append(RowRule(rule.name, condition, rule.action))
    return tuple(rules)


def _column(condition: str | Column) -> Column:
    return F.expr(condition) if isinstance(condition, str) else condition
