"""The calls that apply changes, as declarations: AUTO CDC under its old and its new name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.databricks.declared import DeclaredChanges
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pyspark.sql import Column

    from pipeline.declare.dataset import Query, SourceLocation

Columns = list[Any] | tuple[Any, ...]


def changes(
    here: SourceLocation,
    target: str,
    source: str,
    keys: Columns,
    sequence_by: str | Column,
    where: str | None = None,
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
    name: str | None = None,
) -> DeclaredChanges:
    """Return the flow that a call of `apply_changes` or `create_auto_cdc_flow` at a place declares.

    All other arguments are the original's.
    """
    del where  # checked by the original, and not applied
    return DeclaredChanges(
        target=target,
        source=source,
        keys=names_of(keys),
        where=here,
        sequence_by=sequence_by,
        apply_as_deletes=apply_as_deletes,
        apply_as_truncates=apply_as_truncates,
        columns=None if column_list is None else names_of(column_list),
        except_columns=names_of(except_column_list or ()),
        ignore_null_updates=bool(ignore_null_updates),
        scd_type=2 if str(stored_as_scd_type) == "2" else 1,
        track_columns=None if track_history_column_list is None else names_of(track_history_column_list),
        track_except_columns=names_of(track_history_except_column_list or ()),
        name=name or flow_name or "",
        once=bool(once),
    )


def changes_of_snapshots(
    here: SourceLocation,
    target: str,
    source: str | Query | None = None,
    keys: Columns | None = None,
    stored_as_scd_type: str | int | None = 1,
    track_history_column_list: Columns | None = None,
    track_history_except_column_list: Columns | None = None,
    snapshot_and_version: Query | None = None,
) -> DeclaredChanges:
    """Return the flow that a call of `apply_changes_from_snapshot`, or of its new name, declares.

    Raises:
        AuthorError: It names no source.
    """
    found = source if source is not None else snapshot_and_version
    if found is None:
        raise AuthorError(f"{here}: the flow into `{target}` has no source.", "Name it with `source=`.")
    return DeclaredChanges(
        target=target,
        source=found,
        keys=names_of(keys or ()),
        where=here,
        scd_type=2 if str(stored_as_scd_type) == "2" else 1,
        track_columns=None if track_history_column_list is None else names_of(track_history_column_list),
        track_except_columns=names_of(track_history_except_column_list or ()),
        is_of_snapshots=True,
    )


def names_of(columns: Any) -> tuple[str, ...]:
    """Return the names of columns, which may be given as columns too."""
    if isinstance(columns, str):
        columns = [columns]
    return tuple(one if isinstance(one, str) else str(one._jc.toString()) for one in columns)  # noqa: SLF001
