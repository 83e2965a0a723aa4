"""Declares tables: checks the arguments, builds a frozen record and registers it, without touching Spark."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, overload

from pipeline.declare.dataset import (
    AppendFlow,
    Dataset,
    Kind,
    Query,
    Registry,
    SourceLocation,
    TimeWindow,
    no_query,
)
from pipeline.declare.once_table import read_once
from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Names = list[str] | tuple[str, ...]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NAME_RULE = "lower-case letters, digits and underscores, beginning with a letter"


_registry: ContextVar[Registry] = ContextVar("registry")


@contextmanager
def collecting(registry: Registry) -> Iterator[Registry]:
    """Register the declarations made inside the block."""
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


@overload
def table(query: Query, /) -> Query: ...
@overload
def table(
    *,
    name: str = ...,
    comment: str = ...,
    expectations: str = ...,
    expectation_columns: Names = ...,
    quarantine: str = ...,
    reset_allowed: bool = ...,
) -> Callable[[Query], Query]: ...
def table(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a streaming table: each row of its source goes through it exactly once.

    Args:
        query: The decorated function.
        **options: All are optional.
            `name`: The table's name. Defaults to the function's.
            `comment`: What the table holds. Defaults to the function's docstring.
            `expectations`: The name of the suite that judges every row.
            `expectation_columns`: Columns that the query computes for its expectations only; they are not stored.
            `quarantine`: The name of the table that takes the rows that violate a drop expectation.
            `reset_allowed`: Whether a full refresh may empty the table. Defaults to True.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("streaming_table", query, options)


def create_streaming_table(name: str, **options: Any) -> None:
    """Declare a streaming table that only flows fill.

    Args:
        name: The table's name.
        **options: Those of `table`, without `name`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    _declaration("streaming_table", no_query, {**options, "name": name})


def append_flow(*, target: str, name: str = "", once: bool = False) -> Callable[[Query], Query]:
    """Declare one more query whose rows go into a streaming table, in the order of the declarations.

    Columns are matched by name; those that a query lacks are NULL.

    Args:
        target: The table.
        name: The flow's name.
        once: Whether the query runs a single time in the table's life, and again after a full refresh. It reads whole.
    """
    location = caller(1)

    def register(function: Query) -> Query:
        registry = active_registry()
        if registry is not None:
            query = read_once(registry, target, name, function, location) if once else function
            registry.flows.append(AppendFlow(target, query, location))
        return function

    return register


@overload
def materialized_view(query: Query, /) -> Query: ...
@overload
def materialized_view(
    *,
    name: str = ...,
    comment: str = ...,
    expectations: str = ...,
    keys: Names = ...,
    time_window: TimeWindow = ...,
    reset_allowed: bool = ...,
) -> Callable[[Query], Query]: ...
def materialized_view(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a materialized view: after every update it equals its query over its sources.

    Args:
        query: The decorated function.
        **options: All are optional.
            `name`: The view's name. Defaults to the function's.
            `comment`: What the view holds. Defaults to the function's docstring.
            `expectations`: The name of the suite that judges the view.
            `keys`: The columns that the view groups by.
            `time_window`: The window of event time that it groups by.
            `reset_allowed`: Whether a full refresh may empty the view. Defaults to True.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("materialized_view", query, options)


@overload
def temporary_view(query: Query, /) -> Query: ...
@overload
def temporary_view(*, name: str = ..., comment: str = ...) -> Callable[[Query], Query]: ...
def temporary_view(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a named step between tables, which is not stored.

    Args:
        query: The decorated function.
        **options: All are optional.
            `name`: The view's name. Defaults to the function's.
            `comment`: What the view holds. Defaults to the function's docstring.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("temporary_view", query, options)


_SHARED_OPTIONS = {"name", "comment"}
_OPTIONS: dict[Kind, set[str]] = {
    "streaming_table": _SHARED_OPTIONS | {"expectations", "expectation_columns", "quarantine", "reset_allowed"},
    "materialized_view": _SHARED_OPTIONS | {"expectations", "keys", "time_window", "reset_allowed"},
    "temporary_view": _SHARED_OPTIONS,
    "table": set(),
}
_TYPES: dict[str, tuple[type, str]] = {
    "comment": (str, "a text"),
    "expectations": (str, "a text"),
    "quarantine": (str, "a text"),
    "time_window": (TimeWindow, "a TimeWindow"),
    "reset_allowed": (bool, "True or False"),
}


def _declaration(kind: Kind, query: Query | None, options: dict[str, Any]) -> Any:
    location = caller(2)
    for option in options:
        if option not in _OPTIONS[kind]:
            raise UnknownNameError(f"option of a {kind}", option, _OPTIONS[kind], str(location))

    def register(function: Query) -> Query:
        _register(record(kind, function, options, location))
        return function

    return register(query) if query is not None else register


def caller(above: int) -> SourceLocation:
    """Return the line that called the function so many calls above."""
    frame = sys._getframe(above + 1)  # noqa: SLF001 - later errors name the declaration's own line
    return SourceLocation(frame.f_code.co_filename, frame.f_lineno)


def record(kind: Kind, query: Query, options: dict[str, Any], location: SourceLocation) -> Dataset:
    """Return a declaration.

    Raises:
        AuthorError: The name or an option has a value that does not fit.
    """
    name = options.pop("name", query.__name__)
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        problem = f"{location}: `{name}` is not a valid dataset name; expected {_NAME_RULE}."
        raise AuthorError(problem, "Rename the function or give `name=`.")
    described = "" if query is no_query else (query.__doc__ or "").strip()
    comment = options.pop("comment", None) or described
    for option in ("keys", "expectation_columns"):
        options[option] = names_of(options.get(option, ()), option, location)
    for option, (expected, wanted) in _TYPES.items():
        value = comment if option == "comment" else options.get(option)
        if value is not None and not isinstance(value, expected):
            problem = f"{location}: `{option}` of `{name}` must be {wanted}; got {value!r}."
            raise AuthorError(problem, "Correct that option.")
    if options.get("quarantine") and not options.get("expectations"):
        problem = f"{location}: `{name}` has a quarantine but no expectations that fill it."
        raise AuthorError(problem, "Name a suite with `expectations=`.")
    return Dataset(name=name, kind=kind, query=query, comment=comment, location=location, **options)


def names_of(value: Any, option: str, location: SourceLocation) -> tuple[str, ...]:
    """Return an option's columns.

    Raises:
        AuthorError: It is not a list of names.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        problem = f"{location}: `{option}` must be a list of column names; got {value!r}."
        raise AuthorError(problem, 'Write it as ["first", "second"].')
    return tuple(value)


def _register(dataset: Dataset) -> None:
    registry = active_registry()
    if registry is not None:
        registry.register(dataset)


def active_registry() -> Registry | None:
    """Return what declarations go into; None in tests and notebooks, which import tables for their functions only."""
    return _registry.get(None)
