"""Declares tables whose rows are inserted, updated and deleted by the rows of a source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.declare.change_flow import ChangeFlow
from pipeline.declare.dataset import no_query
from pipeline.declare.decorators import active_registry, caller, names_of, record
from pipeline.declare.once_table import read_once
from pipeline.declare.reading import read
from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

    from pipeline.declare.dataset import SourceLocation

    Names = list[str] | tuple[str, ...]

_OF_TABLE = ("name", "comment", "expectations", "reset_allowed")
_OF_FLOW = {
    "apply_as_deletes", "apply_as_truncates", "ignore_null_updates", "ignore_null_updates_column_list",
    "ignore_null_updates_except_column_list", "column_list", "except_column_list", "track_history_column_list",
    "track_history_except_column_list",
}  # fmt: skip
_LISTS = tuple(option for option in sorted(_OF_FLOW) if option.endswith("column_list"))


def change_table(
    *, source: str, keys: Names, sequence_by: str | Column, scd_type: int = 1, **options: Any
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare a table that the rows of a source change by key, whatever the order in which they arrive.

    The decorated function gives the table its name and comment; it is not called.

    Args:
        source: The streaming table or temporary view whose rows are the changes.
        keys: The columns that say which row a change is about.
        sequence_by: What orders the changes of a key: a column's name, or an SQL expression such as
            `struct(changed_at, number)`.
        scd_type: 1 keeps the newest row of each key; 2 keeps all versions, with `__START_AT` and `__END_AT`.
        **options: All are optional.
            `apply_as_deletes`: Which changes delete their key, as an SQL condition.
            `apply_as_truncates`: Which changes delete all keys; with `scd_type=1` only.
            `ignore_null_updates`: Whether a NULL leaves a column as it was. Defaults to False.
            `ignore_null_updates_column_list`: The columns that a NULL leaves as they were; no others.
            `ignore_null_updates_except_column_list`: The columns that get a NULL; all others stay as they were.
            `column_list`: The columns that the table gets.
            `except_column_list`: The columns that it does not get.
            `track_history_column_list`: The columns whose change begins a new version. Defaults to all.
            `track_history_except_column_list`: The columns whose change begins no new version.
            `name`: The table's name. Defaults to the function's.
            `comment`: What the table holds. Defaults to the function's docstring.
            `expectations`: The name of the suite that judges the table as a whole.
            `reset_allowed`: Whether a full refresh may empty the table. Defaults to True.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    location = caller(1)
    of_table = {name: options.pop(name) for name in _OF_TABLE if name in options}

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        named = {"name": function.__name__, "comment": (function.__doc__ or "").strip(), **of_table}
        dataset = record("streaming_table", no_query, named, location)
        flow = _flow(dataset.name, location, options | {
            "source": source, "keys": keys, "sequence_by": sequence_by, "scd_type": scd_type,
        })  # fmt: skip
        registry = active_registry()
        if registry is not None:
            registry.register(dataset)
            registry.change_flows.append(flow)
        return function

    return register


def change_flow(
    *,
    target: str,
    source: str,
    keys: Names,
    sequence_by: str | Column,
    scd_type: int = 1,
    once: bool = False,
    **options: Any,
) -> None:
    """Declare changes of one more source that go into a table.

    The table is one of `change_table`, or of `create_streaming_table`, which only such flows fill.

    Args:
        target: The table.
        source: The streaming table or temporary view whose rows are the changes.
        keys: The columns that say which row a change is about; the same for all flows into a table.
        sequence_by: What orders the changes of a key; of one type for all flows into a table.
        scd_type: 1 or 2; the same for all flows into a table.
        once: Whether the source's rows, read whole, are taken a single time in the table's life, and again after a full
            refresh.
        **options: Those of `change_table` that are about changes.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    given = {"source": source, "keys": keys, "sequence_by": sequence_by, "scd_type": scd_type}
    flow = _flow(target, caller(1), options | given)
    registry = active_registry()
    if registry is not None:
        if once:
            flow = replace(flow, query=read_once(registry, target, "", lambda: read(source), flow.location))
        registry.change_flows.append(flow)


def _flow(target: str, location: SourceLocation, options: dict[str, Any]) -> ChangeFlow:
    known = {*_OF_FLOW, "source", "keys", "sequence_by", "scd_type"}
    for option, value in options.items():
        if option not in known:
            raise UnknownNameError("option of a change table", option, {*known, *_OF_TABLE}, str(location))
        if option == "ignore_null_updates" and not isinstance(value, bool):
            problem = f"{location}: `{option}` of `{target}` must be True or False; got {value!r}."
            raise AuthorError(problem, "Correct that option.")
        if option == "source" and not isinstance(value, str):
            problem = f"{location}: `source` of `{target}` must be the name of a table or view; got {value!r}."
            raise AuthorError(problem, 'Write it as source="device_changes".')
    lists = {
        option: names_of(options[option], option, location)
        for option in ("keys", *_LISTS)
        if options.get(option) is not None
    }
    return ChangeFlow(target=target, location=location, **{**options, **lists})
