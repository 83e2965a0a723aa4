"""Reads AUTO CDC and APPLY CHANGES: which changes go into a table, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pipeline.databricks.sql.cursor import Cursor
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.declare.dataset import SourceLocation

# The words that a clause begins with: the first, and the second unless it may be any.
_BEGINNINGS = {
    "KEYS": "(", "IGNORE": "NULL", "APPLY": "AS", "SEQUENCE": "BY", "SYSTEM": "SEQUENCE", "COLUMNS": "", "STORED": "AS",
    "TRACK": "HISTORY", "WHERE": "",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnChoice:
    """Some of a table's columns: those that are named, or all but those."""

    names: tuple[str, ...] | None = None
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangesClause:
    """What comes behind the target of AUTO CDC.

    Attributes:
        source: The relation with the changes, as written.
        source_at: Where it is written.
        apply_as_deletes: The condition of a delete, or None.
        apply_as_truncates: The condition of a truncate, or None.
        ignore_null_updates: The columns that a NULL leaves as they were, or None.
        where: A condition that is checked and chooses no rows, or None.
    """

    source: str
    source_at: SourceLocation
    keys: tuple[str, ...]
    sequence_by: str | None = None
    apply_as_deletes: str | None = None
    apply_as_truncates: str | None = None
    columns: ColumnChoice = ColumnChoice()
    ignore_null_updates: ColumnChoice | None = None
    where: str | None = None
    scd_type: Literal[1, 2] = 1
    tracked: ColumnChoice = ColumnChoice()


def read_changes(cursor: Cursor) -> ChangesClause:
    """Return what comes behind the target, beginning with FROM.

    Raises:
        AuthorError: A clause is unknown or cannot be honoured, or the keys are missing.
    """
    cursor.expect("FROM")
    if cursor.peek() == "SNAPSHOT" and cursor.peek(1) not in _BEGINNINGS:
        problem = f"{cursor.where}: changes from snapshots are not read in SQL."
        raise AuthorError(problem, "Declare them in Python, with create_auto_cdc_from_snapshot_flow().")
    found: dict[str, Any] = {
        "source_at": cursor.where,
        "source": _expression(cursor),
    }
    while not cursor.at_end:
        for words, name, read in _CLAUSES:
            if cursor.accept(*words):
                found[name] = read(cursor)
                break
        else:
            cursor.fail("a clause of AUTO CDC")
    if not found.get("keys"):
        raise AuthorError(f"{cursor.where}: the changes have no keys.", "Name them: `KEYS (column, ...)`.")
    return ChangesClause(**found)


def _ignore_null_updates(cursor: Cursor) -> ColumnChoice:
    cursor.expect("NULL", "UPDATES")
    return _choice(cursor) if cursor.accept("ON") else ColumnChoice()


def _two_times(cursor: Cursor) -> NoReturn:
    raise AuthorError(f"{cursor.where}: a table with two times (BITEMPORAL).", "Use SCD type 2, which keeps one time.")


def _scd_type(cursor: Cursor) -> Literal[1, 2]:
    if cursor.peek() == "BITEMPORAL":
        _two_times(cursor)
    cursor.expect("SCD", "TYPE")
    if cursor.accept("1"):
        return 1
    cursor.expect("2")
    return 2


def _choice(cursor: Cursor) -> ColumnChoice:
    if cursor.accept("*", "EXCEPT"):
        return ColumnChoice(excepted=cursor.names_in_brackets())
    if cursor.accept("*"):
        return ColumnChoice()
    if cursor.peek() == "(":
        return ColumnChoice(cursor.names_in_brackets())
    names = [cursor.name()]
    while cursor.accept(","):
        names.append(cursor.name())
    return ColumnChoice(tuple(names))


def _expression(cursor: Cursor) -> str:
    return cursor.text_until(lambda: _begins_clause(cursor))


def _begins_clause(cursor: Cursor) -> bool:
    second = _BEGINNINGS.get(cursor.peek())
    return second is not None and second in {"", cursor.peek(1)}


_CLAUSES: tuple[tuple[tuple[str, ...], str, Callable[[Cursor], Any]], ...] = (
    (("KEYS",), "keys", Cursor.names_in_brackets),
    (("SEQUENCE", "BY"), "sequence_by", _expression),
    (("WHERE",), "where", _expression),
    (("APPLY", "AS", "DELETE", "WHEN"), "apply_as_deletes", _expression),
    (("APPLY", "AS", "TRUNCATE", "WHEN"), "apply_as_truncates", _expression),
    (("IGNORE",), "ignore_null_updates", _ignore_null_updates),
    (("STORED", "AS"), "scd_type", _scd_type),
    (("TRACK", "HISTORY", "ON"), "tracked", _choice),
    # These belong to tables with two times.
    (("SYSTEM",), "", _two_times),
    (("COLUMNS", "TO"), "", _two_times),
    (("COLUMNS",), "columns", _choice),
)
