"""Declares tables that follow the snapshots of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.declare.dataset import no_query
from pipeline.declare.decorators import active_registry, caller, names_of, record
from pipeline.declare.reading import read
from pipeline.declare.snapshot_flow import SnapshotFlow
from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.declare.decorators import Names
    from pipeline.declare.snapshot_flow import Following

_OF_TABLE = {"name", "comment", "expectations", "reset_allowed"}
_LISTS = {
    "column_list", "except_column_list", "track_history_column_list", "track_history_except_column_list",
}  # fmt: skip


def snapshot_table(
    *, source: str | Following, keys: Names, scd_type: int = 1, **options: Any
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare a table that follows the snapshots of a source: a key that the newest one lacks is deleted.

    The decorated function gives the table its name and comment; it is not called.

    Args:
        source: A dataset, which each update compares with what the table holds; or a function that is given the newest
            version that the table has taken, None before the first, and returns the next snapshot as a frame together
            with its version, or None if there is none. Versions grow.
        keys: The columns that tell a snapshot's rows apart.
        scd_type: 1 keeps the newest row of each key; 2 keeps all versions, with `__START_AT` and `__END_AT`: the
            snapshots' versions, or the times of the updates where the source is a dataset.
        **options: All are optional: `column_list`, `except_column_list`, `track_history_column_list`,
            `track_history_except_column_list`, `name`, `comment`, `expectations` and `reset_allowed`, which mean what
            they do in `change_table`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    location = caller(1)
    of_table = {name: options.pop(name) for name in _OF_TABLE & options.keys()}
    for option in options:
        if option not in _LISTS:
            raise UnknownNameError("option of a snapshot table", option, _LISTS | _OF_TABLE, str(location))
    lists = {name: names_of(value, name, location) for name, value in {"keys": keys, **options}.items() if value}
    if isinstance(source, str):
        of_source: dict[str, Any] = {"source": source, "read": lambda: read(source)}
    elif callable(source):
        of_source = {"source": getattr(source, "__name__", "its function"), "following": source}
    else:
        problem = f"{location}: `source` must be the name of a dataset, or a function; got {source!r}."
        raise AuthorError(problem, 'Write it as source="devices".')

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        named = {"name": function.__name__, "comment": (function.__doc__ or "").strip(), **of_table}
        dataset = record("streaming_table", no_query, named, location)
        given: dict[str, Any] = {"keys": (), "scd_type": scd_type, **lists, **of_source}
        flow = SnapshotFlow(target=dataset.name, location=location, **given)
        registry = active_registry()
        if registry is not None:
            registry.register(dataset)
            registry.snapshot_flows.append(flow)
        return function

    return register
