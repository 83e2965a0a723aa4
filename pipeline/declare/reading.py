"""Reads files and other datasets inside a declared query, through the reader that is active while it runs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Never, Protocol

from pipeline.declare.dataset import SourceLocation
from pipeline.declare.files_source import FilesSource
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import timedelta

    from pyspark.sql import DataFrame

    from pipeline.declare.files_source import CleanSource, EvolutionMode
    from pipeline.declare.outside_stream import OutsideStream
    from pipeline.records.kind import Inference


class Reader(Protocol):
    """What the reading functions read through while a query is planned or run."""

    def files(self, source: FilesSource) -> DataFrame:
        """Return the records of a folder's files."""
        ...

    def stream(self, name: str) -> DataFrame:
        """Return the new rows of a streaming table."""
        ...

    def snapshot(self, name: str) -> DataFrame:
        """Return the rows that a dataset has now."""
        ...

    def quarantine(self, name: str) -> DataFrame:
        """Return the rows that a table's drop expectations rejected."""
        ...

    def outside_stream(self, source: OutsideStream, rows: Callable[[], DataFrame]) -> DataFrame:
        """Return the new rows of a table from outside the pipeline; `rows` gives the stream as Spark has it."""
        del source
        return rows()

    def outside(self, name: str) -> None:
        """Note that a query reads something from outside the pipeline."""
        del name


_reader: ContextVar[Reader] = ContextVar("reader")


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Let queries called inside the block read through the reader."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def read_files(
    path: str,
    *,
    format: str = "json",  # noqa: A002 - the word that Spark's readers use
    schema_hints: str = "",
    encoding: str | None = None,
    delimiter: str = ",",
    decimal: str = ".",
    header: bool = True,
    skip_rows: int = 0,
    row_tag: str = "",
    schema_evolution_mode: EvolutionMode = "addNewColumns",
    infer_column_types: Inference = "scalars",
    max_files_per_trigger: int = 10_000,
    max_bytes_per_trigger: int | str = "1g",
    max_record_bytes: int | str = "16m",
    max_columns: int = 200,
    allow_overwrites: bool = False,
    clean_source: CleanSource = "off",
    clean_source_retention: timedelta | str = "30d",
    path_glob_filter: str = "",
    recursive_file_lookup: bool = False,
    partition_columns: str | Sequence[str] = (),
    include_existing_files: bool = True,
    **unknown: Never,
) -> DataFrame:
    """Return the records of the files that landed in a folder, each exactly once.

    The frame has `record_id`, the data columns, `_rescued_data`, `_corrupt_record`, `source_file`,
    `file_modification_time` and `ingestion_timestamp`.

    Args:
        path: The folder's name below `landing/`.
        format: `json` (lines, objects, arrays), `csv`, `text` (a column `value`, one row a line), or what Spark's own
            readers read: `parquet`, `avro`, `orc`, `xml` and `binaryFile` (one row a file).
        schema_hints: Columns whose types are given, such as `device_id STRING, amount DOUBLE`.
        encoding: The encoding of files without a byte order mark, by one of Python's names, such as `cp1252`. UTF-8 by
            default.
        delimiter: What separates the fields of a CSV file: one or more characters.
        decimal: What separates the fraction of a number in a CSV file: `.` or `,`.
        header: Whether the first line of a CSV file names the columns. Otherwise the hints name them, in their order;
            columns without a hint are `_c0`, `_c1` and so on, and hints may use these names.
        skip_rows: How many lines at the beginning of a CSV file are ignored.
        row_tag: The name of the elements of an XML file that are records.
        schema_evolution_mode: What happens to a new column: `addNewColumns` adds it within the batch, `rescue` puts it
            into `_rescued_data`, `failOnNewColumns` stops the flow, `none` ignores it.
        infer_column_types: The types of new columns: `scalars` (DOUBLE, BOOLEAN, STRING with nested values as JSON
            text), `all` (also BIGINT, DATE, TIMESTAMP, STRUCT, ARRAY) or `none` (STRING). Parquet, Avro and ORC files
            give the types themselves, unless it is `none`.
        max_files_per_trigger: At most this many files a batch.
        max_bytes_per_trigger: About this many bytes a batch, such as `512m`; a larger file is a batch of its own.
        max_record_bytes: A record with more bytes, such as `16m`, is not collected: `_corrupt_record` has its first
            4 KB and its length. No value is longer.
        max_columns: Columns beyond this number go to `_rescued_data`.
        allow_overwrites: Whether a file that arrives again under its name is read again and replaces its rows.
        clean_source: What happens to ingested files: `off` leaves them, `archive` moves them beside the landing zone,
            `delete` deletes them.
        clean_source_retention: How long a file stays in the landing zone after its commit, such as `12h`.
        path_glob_filter: Which names are read, such as `*.jsonl`, instead of the names with the format's extensions.
        recursive_file_lookup: Whether files in sub-folders are read too.
        partition_columns: Names of columns whose values come from folders such as `date=2026-03-01`, which are read
            too. They are text unless `schema_hints` give them another type.
        include_existing_files: Whether files are read that were there when the folder was first looked at.
        **unknown: None: a keyword that is not listed above is refused.

    Raises:
        AuthorError: An option is unknown or has a value that does not fit, or no query is being run.
    """
    # Every keyword is an option of the source, by its own name.
    options = locals()
    options |= options.pop("unknown")
    try:
        source = FilesSource.declared(**options)
    except AuthorError as error:
        caller = sys._getframe(1)  # noqa: SLF001 - the line that has to be corrected
        error.put_at(SourceLocation(caller.f_code.co_filename, caller.f_lineno))
        raise
    return active_reader("read_files").files(source)


def read_stream(name: str) -> DataFrame:
    """Return the rows that a streaming table got since this flow's last batch."""
    return active_reader("read_stream").stream(name)


def read(name: str) -> DataFrame:
    """Return all rows of a dataset."""
    return active_reader("read").snapshot(name)


def read_quarantine(name: str) -> DataFrame:
    """Return the rows that a table's drop expectations rejected, as its source had them.

    They have two more columns: `failed_expectations`, the names of the violated drop expectations, and
    `quarantined_at`.
    """
    return active_reader("read_quarantine").quarantine(name)


def active_reader(function: str) -> Reader:
    """Return the reader of the query that is being run.

    Args:
        function: What was called, for the message.

    Raises:
        AuthorError: No query is being run.
    """
    try:
        return _reader.get()
    except LookupError:
        problem = f"`{function}` was called outside a query."
        raise AuthorError(problem, "Call it inside the function of a declared table.") from None
