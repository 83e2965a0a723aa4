"""Declaring tables: validate the arguments, build a frozen record, register it; never touch Spark."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, overload

from pipeline.dataset import Dataset, Kind, Query, Registry, SourceLocation, TimeWindow
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.ingest.source import FilesSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NAME_RULE = "lower-case letters, digits and underscores, beginning with a letter"


class Reader(Protocol):
    """What the reading functions answer with while a query is planned or run."""

    def files(self, source: FilesSource) -> DataFrame:
        """Return the records of a folder's files."""
        ...

    def stream(self, name: str) -> DataFrame:
        """Return the rows that are new in a streaming table."""
        ...

    def snapshot(self, name: str) -> DataFrame:
        """Return the rows a dataset holds now."""
        ...

    def quarantine(self, name: str) -> DataFrame:
        """Return the rows that a table's drop expectations left out."""
        ...


_registry: ContextVar[Registry] = ContextVar("registry")
_reader: ContextVar[Reader] = ContextVar("reader")


@contextmanager
def collecting(registry: Registry) -> Iterator[Registry]:
    """Have declarations made inside the block register themselves there."""
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Have queries called inside the block read through the reader."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


@overload
def table(query: Query, /) -> Query: ...
@overload
def table(**options: Any) -> Callable[[Query], Query]: ...
def table(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a streaming table: each row of its source goes through it exactly once.

    Args:
        query: The decorated function; its name is the table's.
        **options: `name`, `comment`, `expectations` (a suite's name), `expectation_columns`, `quarantine`
            (a table's name), `reset_allowed`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("streaming_table", query, options)


@overload
def materialized_view(query: Query, /) -> Query: ...
@overload
def materialized_view(**options: Any) -> Callable[[Query], Query]: ...
def materialized_view(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a materialized view: after every update it equals its query over its sources.

    Args:
        query: The decorated function; its name is the view's.
        **options: `name`, `comment`, `expectations` (a suite's name), `keys`, `time_window`, `reset_allowed`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("materialized_view", query, options)


@overload
def temporary_view(query: Query, /) -> Query: ...
@overload
def temporary_view(**options: Any) -> Callable[[Query], Query]: ...
def temporary_view(query: Query | None = None, /, **options: Any) -> Any:
    """Declare a named step between tables that is stored nowhere.

    Args:
        query: The decorated function; its name is the view's.
        **options: `name`, `comment`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("temporary_view", query, options)


def read_files(
    path: str,
    *,
    format: str = "json",  # noqa: A002 - the word that Spark's readers use
    schema_hints: str = "",
    **options: Any,
) -> DataFrame:
    """Return the records of the files that landed in a folder, each exactly once.

    The frame has `record_id`, the data columns, `_rescued_data`, `_corrupt_record`, `source_file`,
    `file_modification_time` and `ingestion_timestamp`. See `pipeline.ingest.source.FilesSource` for the options.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit, or no query is being run.
    """
    source = FilesSource.declared(path=path, format=format, schema_hints=schema_hints, **options)
    return _active_reader("read_files").files(source)


def read_stream(name: str) -> DataFrame:
    """Return the rows that are new in a streaming table since this flow's last batch."""
    return _active_reader("read_stream").stream(name)


def read(name: str) -> DataFrame:
    """Return all rows that a dataset holds."""
    return _active_reader("read").snapshot(name)


def read_quarantine(name: str) -> DataFrame:
    """Return the rows that a table's drop expectations left out, as its source had them.

    They carry two more columns: `failed_expectations`, the names of the violated drop expectations, and
    `quarantined_at`.
    """
    return _active_reader("read_quarantine").quarantine(name)


def _active_reader(function: str) -> Reader:
    try:
        return _reader.get()
    except LookupError:
        problem = f"`{function}` was called while no query runs."
        raise AuthorError(problem, "Call it inside the function of a declared table.") from None


_SHARED_OPTIONS = {"name", "comment"}
_OPTIONS: dict[Kind, set[str]] = {
    "streaming_table": _SHARED_OPTIONS | {"expectations", "expectation_columns", "quarantine", "reset_allowed"},
    "materialized_view": _SHARED_OPTIONS | {"expectations", "keys", "time_window", "reset_allowed"},
    "temporary_view": _SHARED_OPTIONS,
}
_TYPES: dict[str, tuple[type, str]] = {
    "comment": (str, "a text"),
    "expectations": (str, "a text"),
    "quarantine": (str, "a text"),
    "time_window": (TimeWindow, "a TimeWindow"),
    "reset_allowed": (bool, "True or False"),
}


def _declaration(kind: Kind, query: Query | None, options: dict[str, Any]) -> Any:
    frame = sys._getframe(2)  # noqa: SLF001 - the declaration's own line is what a later error has to name
    location = SourceLocation(frame.f_code.co_filename, frame.f_lineno)
    for option in options:
        if option not in _OPTIONS[kind]:
            raise UnknownNameError(f"option of a {kind}", option, _OPTIONS[kind], str(location))

    def register(function: Query) -> Query:
        _register(_record(kind, function, options, location))
        return function

    return register(query) if query is not None else register


def _record(kind: Kind, query: Query, options: dict[str, Any], location: SourceLocation) -> Dataset:
    name = options.pop("name", query.__name__)
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        problem = f"{location}: `{name}` is no dataset name; expected {_NAME_RULE}."
        raise AuthorError(problem, "Rename the function or give `name=`.")
    comment = options.pop("comment", None) or (query.__doc__ or "").strip()
    for option in ("keys", "expectation_columns"):
        options[option] = _names(options.get(option, ()), option, location)
    for option, (expected, described) in _TYPES.items():
        value = comment if option == "comment" else options.get(option)
        if value is not None and not isinstance(value, expected):
            problem = f"{location}: `{option}` of `{name}` must be {described}; got {value!r}."
            raise AuthorError(problem, "Correct that option.")
    if options.get("quarantine") and not options.get("expectations"):
        problem = f"{location}: `{name}` has a quarantine but no expectations that could fill it."
        raise AuthorError(problem, "Name a suite with `expectations=`.")
    return Dataset(name=name, kind=kind, query=query, comment=comment, location=location, **options)


def _names(value: Any, option: str, location: SourceLocation) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        problem = f"{location}: `{option}` must be a list of column names; got {value!r}."
        raise AuthorError(problem, 'Write it as ["first", "second"].')
    return tuple(value)


def _register(dataset: Dataset) -> None:
    try:
        registry = _registry.get()
    except LookupError:
        # A module of tables may be imported for its functions alone, as tests and notebooks do.
        return
    registry.register(dataset)
