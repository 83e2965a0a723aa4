"""Files become rows: the same code in the driver for small batches and in Spark's workers for large ones."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import pyarrow as pa

from pipeline.fault_points import FaultPoint, reach
from pipeline.ingest.columns import to_record_batch
from pipeline.ingest.evolution import NewKey, can_become_column
from pipeline.ingest.formats import ColumnarFormat, format_named
from pipeline.ingest.keys import observe_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.ingest.columns import Column
    from pipeline.ingest.landing import LandedFile
    from pipeline.ingest.records import Record
    from pipeline.ingest.source import FilesSource

# What reading and decompressing raise; everything else would be a mistake of this program.
READ_ERRORS = (OSError, EOFError, zlib.error)
_BLOCK_BYTES = 1024 * 1024
_Piece = TypeVar("_Piece")
_TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass
class FileOutcome:
    """What reading one file gave.

    Attributes:
        error: Why the file could not be read to its end, or None.
        new_keys: Keys that could become columns.
    """

    path: str
    rows: int = 0
    corrupt_rows: int = 0
    rescued_rows: int = 0
    error: str | None = None
    new_keys: dict[str, NewKey] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How the files of a batch are read: with which columns, and which keys may not be columns."""

    source: FilesSource
    columns: tuple[Column, ...]
    held_back: tuple[str, ...] = ()

    @property
    def evolves(self) -> bool:
        """Whether new keys matter, because they become columns or stop the flow."""
        return self.source.schema_evolution_mode in {"addNewColumns", "failOnNewColumns"}

    def arrow_schema(self) -> pa.Schema:
        """Return the schema of the rows that files become."""
        return pa.schema(
            [
                *((column.name, column.arrow_type) for column in self.columns),
                ("_rescued_data", pa.string()),
                ("_corrupt_record", pa.string()),
                ("source_file", pa.string()),
                ("file_modification_time", _TIMESTAMP),
            ]
        )


def open_file(path: str) -> BinaryIO:
    """Return a file's bytes, decompressed where its name ends in `.gz`.

    Raises:
        OSError: It cannot be opened, is no file (a pipe would keep its reader waiting), or no table can hold
            its name.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "the name is not UTF-8; rename the file") from None
    mode = os.stat(path).st_mode  # noqa: PTH116 - a path that came as text
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "neither a file nor a folder")
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # type: ignore[return-value]  # noqa: PTH123


def read_records(path: str, plan: Plan, outcome: FileOutcome) -> Iterator[list[Record]]:
    """Yield a file's records in order, in lists of some thousands.

    A file that cannot be read to its end yields what could be read, and says so in the outcome.
    """
    for records in _pieces(path, format_named(plan.source.format).read_records, outcome):
        _note_new_keys(records, plan, outcome)
        yield records


def read_rows(file: LandedFile, plan: Plan, outcome: FileOutcome) -> Iterator[pa.RecordBatch]:
    """Yield a file's records as rows in order, and count them in the outcome; else as `read_records`.

    Rows are yielded before a key of theirs could become a column; the outcome tells of it.
    """
    form = format_named(plan.source.format)

    def read(stream: BinaryIO) -> Iterator[list[Record] | pa.RecordBatch]:
        return form.read_rows(stream, plan.columns) if isinstance(form, ColumnarFormat) else form.read_records(stream)

    for piece in _pieces(file.path, read, outcome):
        if isinstance(piece, pa.RecordBatch):
            outcome.rows += piece.num_rows
            nothing = pa.nulls(piece.num_rows, pa.string())
            yield _with_file([*piece.columns, nothing, nothing], file, plan)
        else:
            _note_new_keys(piece, plan, outcome)
            yield rows_of(piece, file, plan, outcome)


def _pieces(path: str, read: Callable[[BinaryIO], Iterator[_Piece]], outcome: FileOutcome) -> Iterator[_Piece]:
    try:
        with open_file(path) as stream:
            for piece in read(stream):
                reach(FaultPoint.PARSE)
                yield piece
    except READ_ERRORS as error:
        outcome.error = _described(error)


def read_error(path: str) -> str | None:
    """Return why a file cannot be read to its end, or None."""
    try:
        with open_file(path) as stream:
            while stream.read(_BLOCK_BYTES):
                pass
    except READ_ERRORS as error:
        return _described(error)
    return None


def rows_of(records: list[Record], file: LandedFile, plan: Plan, outcome: FileOutcome) -> pa.RecordBatch:
    """Return records as rows, and count them in the outcome."""
    rescue = plan.source.schema_evolution_mode != "none"
    rows = to_record_batch(records, plan.columns, file.path, rescue=rescue)
    outcome.rows += rows.num_rows
    outcome.corrupt_rows += rows.num_rows - rows.column("_corrupt_record").null_count
    outcome.rescued_rows += rows.num_rows - rows.column("_rescued_data").null_count
    return _with_file(rows.columns, file, plan)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


def _with_file(columns: list[pa.Array], file: LandedFile, plan: Plan) -> pa.RecordBatch:
    row_count = len(columns[0])
    names = pa.repeat(pa.scalar(file.path, pa.string()), row_count)
    times = pa.repeat(pa.scalar(file.modified_at, _TIMESTAMP), row_count)
    return pa.RecordBatch.from_arrays([*columns, names, times], schema=plan.arrow_schema())


def _note_new_keys(records: list[Record], plan: Plan, outcome: FileOutcome) -> None:
    if not plan.evolves:
        return
    for name, key_type in observe_keys(records, plan.columns, format_named(plan.source.format).type_of).items():
        if not can_become_column(name, plan.columns, plan.held_back, plan.source.max_columns):
            continue
        known = outcome.new_keys.get(name)
        if known is None or known.type is None:
            outcome.new_keys[name] = NewKey(key_type, outcome.path)
        elif key_type is not None and key_type != known.type:
            outcome.new_keys[name] = NewKey("string", known.file)


def merged_keys(outcomes: list[FileOutcome]) -> dict[str, NewKey]:
    """Return the new keys of several files; a key whose types differ between files is a string."""
    merged: dict[str, NewKey] = {}
    for outcome in outcomes:
        for name, key in outcome.new_keys.items():
            known = merged.get(name)
            if known is None or known.type is None:
                merged[name] = key
            elif key.type is not None and key.type != known.type:
                merged[name] = NewKey("string", known.file)
    return merged
