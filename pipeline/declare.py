"""Declaring tables: validate the arguments, build a frozen record, register it; never touch Spark."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pipeline.errors import AuthorError, UnknownNameError
from pipeline.ingest.source import FilesSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import timedelta

    from pyspark.sql import DataFrame

Kind = Literal["streaming_table", "materialized_view", "temporary_view"]
_NAME_RULE = "lower-case letters, digits and underscores, beginning with a letter"


@dataclass(frozen=True)
class SourceLocation:
    """The file and line that a declaration stands at."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class TimeWindow:
    """The fixed windows of event time that a materialized view groups by.

    Attributes:
        column: The timestamp column of the source that is windowed.
        length: How long a window is; windows start at multiples of it since 1970-01-01T00:00:00Z.
    """

    column: str
    length: timedelta


@dataclass(frozen=True)
class Dataset:
    """One declared table or view.

    Attributes:
        query: The function that reads other datasets and returns this one's rows.
        expectations: The suite that judges every row, or None.
        expectation_columns: Columns that the query computes for its expectations alone; they are not stored.
        quarantine: The table that takes the rows that violate a drop expectation, or None.
        keys: A materialized view's grouping columns; with `time_window` they let an update recompute only
            the keys that new rows touch. Without them the view is recomputed whole.
        reset_allowed: Whether a full refresh may empty the table.
    """

    name: str
    kind: Kind
    query: Callable[[], DataFrame]
    comment: str
    location: SourceLocation
    expectations: str | None = None
    expectation_columns: tuple[str, ...] = ()
    quarantine: str | None = None
    keys: tuple[str, ...] = ()
    time_window: TimeWindow | None = None
    reset_allowed: bool = True


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


@dataclass
class Registry:
    """The declarations of one pipeline, in the order they were made."""

    datasets: dict[str, Dataset] = field(default_factory=dict)

    def register(self, dataset: Dataset) -> None:
        """Take in a declaration.

        Raises:
            AuthorError: A dataset of that name is there already.
        """
        earlier = self.datasets.get(dataset.name)
        if earlier is not None:
            problem = f"{dataset.location}: `{dataset.name}` is declared already, at {earlier.location}."
            raise AuthorError(problem, "Give one of the two another name.")
        self.datasets[dataset.name] = dataset


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


def table(query: Callable[[], DataFrame] | None = None, /, **options: Any) -> Any:
    """Declare a streaming table: each row of its source goes through it exactly once.

    Args:
        query: The decorated function; its name is the table's.
        **options: `name`, `comment`, `expectations` (a suite's name), `expectation_columns`, `quarantine`
            (a table's name), `reset_allowed`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("streaming_table", query, options)


def materialized_view(query: Callable[[], DataFrame] | None = None, /, **options: Any) -> Any:
    """Declare a materialized view: after every update it equals its query over its sources.

    Args:
        query: The decorated function; its name is the view's.
        **options: `name`, `comment`, `keys`, `time_window`, `reset_allowed`.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit.
    """
    return _declaration("materialized_view", query, options)


def temporary_view(query: Callable[[], DataFrame] | None = None, /, **options: Any) -> Any:
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
    format: Literal["json", "csv"] = "json",  # noqa: A002 - the word that Spark's readers use
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
    "streaming_table": _SHARED_OPTIONS
    | {"expectations", "expectation_columns", "quarantine", "reset_allowed"},
    "materialized_view": _SHARED_OPTIONS | {"keys", "time_window", "reset_allowed"},
    "temporary_view": _SHARED_OPTIONS,
}


def _declaration(kind: Kind, query: Callable[[], DataFrame] | None, options: dict[str, Any]) -> Any:
    frame = sys._getframe(2)  # noqa: SLF001 - the declaration's own line is what a later error has to name
    location = SourceLocation(frame.f_code.co_filename, frame.f_lineno)
    for option in options:
        if option not in _OPTIONS[kind]:
            raise UnknownNameError(f"option of a {kind}", option, _OPTIONS[kind], str(location))

    def register(function: Callable[[], DataFrame]) -> Callable[[], DataFrame]:
        _register(_record(kind, function, options, location))
        return function

    return register(query) if query is not None else register


def _record(
    kind: Kind, query: Callable[[], DataFrame], options: dict[str, Any], location: SourceLocation
) -> Dataset:
    name = options.pop("name", query.__name__)
    if not (isinstance(name, str) and name.isidentifier() and name == name.lower() and not name.startswith("_")):
        problem = f"{location}: `{name}` is no dataset name; expected {_NAME_RULE}."
        raise AuthorError(problem, "Rename the function or give `name=`.")
    comment = options.pop("comment", None) or (query.__doc__ or "").strip()
    for option in ("keys", "expectation_columns"):
        options[option] = _names(options.get(option, ()), option, location)
    for option in ("expectations", "quarantine", "comment"):
        value = comment if option == "comment" else options.get(option)
        if value is not None and not isinstance(value, str):
            problem = f"{location}: `{option}` of `{name}` must be a text; got {value!r}."
            raise AuthorError(problem, "Write it in quotes.")
    if options.get("quarantine") and not options.get("expectations"):
        problem = f"{location}: `{name}` has a quarantine but no expectations that could fill it."
        raise AuthorError(problem, "Name a suite with `expectations=`.")
    return Dataset(name=name, kind=kind, query=query, comment=comment, location=location, **options)


def _names(value: Sequence[str], option: str, location: SourceLocation) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
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
