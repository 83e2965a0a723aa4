"""Reads AUTO CDC and APPLY CHANGES: which changes go into a table, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pipeline.databricks.sql.cursor import Cursor
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.declare.dataset import SourceLocation

_FIRST_WORDS = {"KEYS", "IGNORE", "APPLY", "SEQUENCE", "SYSTEM", "COLUMNS", "STORED", "TRACK", "WHERE"}


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
    """

    source: str
    source_at: SourceLocation
    keys: tuple[str, ...]
    sequence_by: str | None = None
    apply_as_deletes: str | None = None
    apply_as_truncates: str | None = None
    columns: ColumnChoice = ColumnChoice()
    ignore_null_updates: bool = False
    scd_type: Literal[1, 2] = 1
    tracked: ColumnChoice = ColumnChoice()


def read_changes(cursor: Cursor) -> ChangesClause:
    """Return what comes behind the target, beginning with FROM.

    Raises:
        AuthorError: A clause is unknown or cannot be honoured, or the keys are missing.
    """
    cursor.expect("FROM")
    found: dict[str, Any] = {
        "source_at": cursor.where,
        "source": cursor.text_until(lambda: cursor.peek() in _FIRST_WORDS),
    }
    while not cursor.at_end:
        for words, name, read in _CLAUSES:
            if cursor.accept(*words):
                found[name] = read(cursor)
                break
        else:
            cursor.fail("a clause of AUTO CDC")
    # Databricks checks this condition and does not apply it.
    found.pop("where", None)
    if not found.get("keys"):
        raise AuthorError(f"{cursor.where}: the changes have no keys.", "Name them: `KEYS (column, ...)`.")
    return ChangesClause(**found)


def _ignore_null_updates(cursor: Cursor) -> bool:
    cursor.expect("NULL", "UPDATES")
    if cursor.peek() == "ON":
        problem = f"{cursor.where}: IGNORE NULL UPDATES for some columns only."
        raise AuthorError(problem, "Ignore NULL for all columns: leave `ON ...` out.")
    return True


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
    return cursor.text_until(lambda: cursor.peek() in _FIRST_WORDS)


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
