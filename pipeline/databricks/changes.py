"""The calls that apply changes, as declarations: AUTO CDC under its old and its new name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pipeline.databricks.declared import DeclaredChanges
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

    from pipeline.declare.dataset import SourceLocation

Columns = str | list[Any] | tuple[Any, ...]

_TYPES: dict[str, Literal[1, 2]] = {"None": 1, "1": 1, "2": 2}
_NULL_EXCEPT = "ignore_null_updates_except_column_list"
_ATTRIBUTE = "UnresolvedAttribute"


def changes(
    here: SourceLocation,
    target: str,
    source: str,
    keys: Columns,
    sequence_by: str | Column,
    where: str | Column | None = None,
    ignore_null_updates: bool | None = False,
    apply_as_deletes: str | Column | None = None,
    apply_as_truncates: str | Column | None = None,
    column_list: Columns | None = None,
    except_column_list: Columns | None = None,
    stored_as_scd_type: str | int | None = 1,
    track_history_column_list: Columns | None = None,
    track_history_except_column_list: Columns | None = None,
    flow_name: str | None = None,
    once: bool | None = False,
    ignore_null_updates_column_list: Columns | None = None,
    ignore_null_updates_except_column_list: Columns | None = None,
    name: str | None = None,
    system_sequence_by: str | Column | None = None,
    columns_to_update: Any = None,
) -> DeclaredChanges:
    """Return the flow that a call of `apply_changes` or `create_auto_cdc_flow` at a place declares.

    All other arguments are the original's.

    Raises:
        AuthorError: An argument cannot be honoured.
    """
    call = _Call(here, target)
    if system_sequence_by is not None or columns_to_update is not None:
        call.refuse("asks for a table with two times (bitemporal).", "Use type 2, which keeps one time.")
    return DeclaredChanges(
        target=call.text("target", target), source=call.text("source", source),
        keys=names_of(keys, "keys", here), where=here,
        sequence_by=sequence_by, condition=where,
        apply_as_deletes=apply_as_deletes, apply_as_truncates=apply_as_truncates,
        columns=call.columns("column_list", column_list),
        except_columns=call.excepted("except_column_list", except_column_list),
        ignore_null_updates=bool(ignore_null_updates), scd_type=call.scd_type(stored_as_scd_type),
        null_columns=call.columns("ignore_null_updates_column_list", ignore_null_updates_column_list),
        null_except_columns=call.excepted(_NULL_EXCEPT, ignore_null_updates_except_column_list),
        track_columns=call.columns("track_history_column_list", track_history_column_list),
        track_except_columns=call.excepted("track_history_except_column_list", track_history_except_column_list),
        name=name or flow_name or "", once=bool(once),
    )  # fmt: skip


def changes_of_snapshots(
    here: SourceLocation,
    target: str,
    source: Any = None,
    keys: Columns | None = None,
    stored_as_scd_type: str | int | None = 1,
    track_history_column_list: Columns | None = None,
    track_history_except_column_list: Columns | None = None,
    snapshot_and_version: Any = None,
) -> DeclaredChanges:
    """Return the flow that a call of `apply_changes_from_snapshot`, or of its new name, declares.

    The source is a dataset, a function that returns snapshots with their versions, or one snapshot with its version.

    Raises:
        AuthorError: It names no source.
    """
    call = _Call(here, target)
    found = source if source is not None else snapshot_and_version
    if isinstance(found, tuple):
        found = _only(found)
    if not (isinstance(found, str) or callable(found)):
        call.refuse(f"has source={found!r}.", "Write the name of a table or view, or a function, as `source`.")
    return DeclaredChanges(
        target=call.text("target", target),
        source=found,
        keys=names_of(keys or (), "keys", here),
        where=here,
        scd_type=call.scd_type(stored_as_scd_type),
        track_columns=call.columns("track_history_column_list", track_history_column_list),
        track_except_columns=call.excepted("track_history_except_column_list", track_history_except_column_list),
        is_of_snapshots=True,
    )


def _only(snapshot: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...] | None]:
    """Return a function that returns a snapshot with its version, unless a table has that version already."""

    def snapshot_and_version(latest: Any) -> tuple[Any, ...] | None:
        return None if latest is not None and latest == snapshot[-1] else snapshot

    return snapshot_and_version


class _Call:
    """Reads the arguments of one call."""

    def __init__(self, here: SourceLocation, target: Any) -> None:
        self._here = here
        self._target = target

    def columns(self, option: str, given: Columns | None) -> tuple[str, ...] | None:
        """Return the columns that a list names, or None without a list."""
        if given is None:
            return None
        names = names_of(given, option, self._here)
        if not names:
            self.refuse(f"has an empty `{option}`.", "Name columns there, or leave it out for all of them.")
        return names

    def excepted(self, option: str, given: Columns | None) -> tuple[str, ...] | None:
        """Return the columns that a list leaves out, or None where it leaves out none."""
        return names_of(given or (), option, self._here) or None

    def scd_type(self, given: Any) -> Literal[1, 2]:
        """Return 1 or 2."""
        found = _TYPES.get(str(given).strip())
        if found is None:
            self.refuse(f"has stored_as_scd_type={given!r}.", "Write 1, which keeps the newest row of a key, or 2.")
        return found

    def text(self, option: str, given: Any) -> str:
        """Return the name of a dataset."""
        if not isinstance(given, str):
            self.refuse(f"has {option}={given!r}.", f"Write the name of a table or view as `{option}`.")
        return given

    def refuse(self, problem: str, remedy: str) -> NoReturn:
        """Raise an error that says what about the call cannot be honoured."""
        raise AuthorError(f"{self._here}: the flow of changes into `{self._target}` {problem}", remedy)


def names_of(columns: Any, option: str, where: SourceLocation) -> tuple[str, ...]:
    """Return the names of columns, which may be given as columns too.

    Raises:
        AuthorError: One of them is not a name.
    """
    given = [columns] if isinstance(columns, str) or hasattr(columns, "_jc") else list(columns)
    return tuple(_name_of(one, option, where) for one in given)


def _name_of(column: Any, option: str, where: SourceLocation) -> str:
    if isinstance(column, str):
        is_quoted = len(column) > 1 and column[0] == column[-1] == "`"
        return column[1:-1].replace("``", "`") if is_quoted else column
    node = column._jc.node() if hasattr(column, "_jc") else None  # noqa: SLF001 - a column does not say its name
    if node is None or node.getClass().getSimpleName() != _ATTRIBUTE or node.nameParts().size() != 1:
        problem = f"{where}: `{option}` has {column!r}, which is not the name of a column."
        raise AuthorError(problem, 'Write names there, as texts or as col("name").')
    return str(node.nameParts().apply(0))
