"""Reads the statements that declare: CREATE of tables, views and flows, AUTO CDC and APPLY CHANGES."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.databricks.declared import Declared, DeclaredChanges, DeclaredDataset, DeclaredFlow, DeclaredKind
from pipeline.databricks.sql.changes import ColumnChoice, read_changes
from pipeline.databricks.sql.head import Head, read_head
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pipeline.databricks.sql.context import Context
    from pipeline.databricks.sql.cursor import Cursor
    from pipeline.declare.dataset import SourceLocation

_STREAMING = {"STREAMING", "INCREMENTAL"}
_PRIVATE = {"PRIVATE", "TEMPORARY", "TEMP"}
_FORMS = {"OR", "REFRESH", "REPLACE", "LIVE", "MATERIALIZED"} | _STREAMING | _PRIVATE


def created_dataset(
    cursor: Cursor, words: list[str], what: str, where: SourceLocation, context: Context
) -> list[Declared]:
    """Return the table or view that a CREATE statement declares, with the flow that it may have.

    Args:
        cursor: Comes after `TABLE` or `VIEW`.
        words: What stands between it and `CREATE`.
        what: `TABLE` or `VIEW`.
        where: The statement's place.
        context: The file's state; a temporary view is added to it.

    Raises:
        AuthorError: The statement is not one that Databricks knows.
    """
    kind = _kind(words, what, where)
    cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()
    if kind == "temporary_view":
        context.views |= {name.lower()}
    else:
        name = context.full_name(name)
    head = read_head(cursor, name)
    dataset = _declared(head, kind, where, is_private=kind != "temporary_view" and bool(_PRIVATE.intersection(words)))
    if cursor.accept("AS"):
        columns = () if _is_typed(head) else tuple(column.name for column in head.columns)
        query = context.query(cursor, columns)
        return [replace(dataset, query=query, sql=query.sql.text)]
    if kind != "streaming_table":
        cursor.fail("`AS` and a query")
    return [dataset, _inline_flow(cursor, name, where, context)] if cursor.accept("FLOW") else [dataset]


def created_flow(cursor: Cursor, where: SourceLocation, context: Context) -> DeclaredFlow | DeclaredChanges:
    """Return the flow that a CREATE FLOW statement declares; the cursor comes after `FLOW`.

    Raises:
        AuthorError: The statement is not one that Databricks knows.
    """
    name = cursor.name()
    if cursor.accept("COMMENT"):
        cursor.constant()
    cursor.expect("AS")
    if cursor.accept("AUTO", "CDC") or cursor.accept("APPLY", "CHANGES"):
        once = cursor.accept("ONCE")
        cursor.expect("INTO")
        target = context.full_name(cursor.name())
        return replace(changes_into(target, cursor, where, context), name=name, once=once)
    cursor.expect("INSERT")
    once = cursor.accept("ONCE")
    cursor.expect("INTO")
    once = cursor.accept("ONCE") or once
    target = context.full_name(cursor.name())
    cursor.accept("BY", "NAME")
    query = context.query(cursor)
    return DeclaredFlow(target, query, where, name, query.sql.text, once)


def changes_into(target: str, cursor: Cursor, where: SourceLocation, context: Context) -> DeclaredChanges:
    """Return the flow of changes that is declared for a table; the cursor stands before `FROM`.

    Raises:
        AuthorError: The statement is not one that Databricks knows, or it cannot be honoured.
    """
    clause = read_changes(cursor)
    return DeclaredChanges(
        target=target,
        source=context.source(clause.source, clause.source_at),
        keys=clause.keys,
        where=where,
        sequence_by=clause.sequence_by,
        condition=clause.where,
        apply_as_deletes=clause.apply_as_deletes,
        apply_as_truncates=clause.apply_as_truncates,
        columns=clause.columns.names,
        except_columns=clause.columns.excepted or None,
        ignore_null_updates=clause.ignore_null_updates == ColumnChoice(),
        null_columns=None if clause.ignore_null_updates is None else clause.ignore_null_updates.names,
        null_except_columns=None if clause.ignore_null_updates is None else clause.ignore_null_updates.excepted or None,
        scd_type=clause.scd_type,
        track_columns=clause.tracked.names,
        track_except_columns=clause.tracked.excepted or None,
    )


def _inline_flow(
    cursor: Cursor, target: str, where: SourceLocation, context: Context
) -> DeclaredFlow | DeclaredChanges:
    if cursor.accept("AUTO", "CDC"):
        once = cursor.accept("ONCE")
        return replace(changes_into(target, cursor, where, context), once=once)
    if not cursor.accept("INSERT"):
        cursor.fail("`INSERT BY NAME` and a query, or `AUTO CDC`")
    once = cursor.accept("ONCE")
    cursor.expect("BY", "NAME")
    query = context.query(cursor)
    return DeclaredFlow(target, query, where, sql=query.sql.text, once=once)


def _kind(words: list[str], what: str, where: SourceLocation) -> DeclaredKind:
    unknown = [word for word in words if word not in _FORMS]
    if unknown:
        problem = f"{where}: got `{unknown[0]}` between CREATE and {what}."
        raise AuthorError(problem, "Declare a STREAMING TABLE, a MATERIALIZED VIEW or a TEMPORARY VIEW.")
    if what == "VIEW":
        return "materialized_view" if "MATERIALIZED" in words else "temporary_view"
    if _STREAMING.intersection(words):
        return "streaming_table"
    if "LIVE" in words:
        return "materialized_view"
    problem = f"{where}: a pipeline has no plain tables."
    raise AuthorError(problem, "Declare a STREAMING TABLE or a MATERIALIZED VIEW.")


def _is_typed(head: Head) -> bool:
    return bool(head.columns) and all(column.type for column in head.columns)


def _declared(head: Head, kind: DeclaredKind, where: SourceLocation, *, is_private: bool) -> DeclaredDataset:
    return DeclaredDataset(
        name=head.name,
        kind=kind,
        where=where,
        comment=head.comment,
        schema=", ".join(column.ddl for column in head.columns) if _is_typed(head) else None,
        properties=head.properties,
        partition_columns=head.partition_columns,
        cluster_columns=head.cluster_columns,
        expectations=tuple(head.expectations),
        is_private=is_private,
        without_effect=tuple(head.without_effect),
        refused=tuple(head.refused),
    )
