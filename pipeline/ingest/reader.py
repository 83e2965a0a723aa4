"""Files become rows: the same code in the driver for small batches and in Spark's workers for large ones."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.foundation.fault_points import FaultPoint, reach
from pipeline.ingest.digest import open_file
from pipeline.ingest.evolution import NewKey, can_become_column, new_names
from pipeline.ingest.partitions import add_partitions, partition_values
from pipeline.records.columns import Column, to_record_batch
from pipeline.records.compression import decompressed, is_compressed
from pipeline.records.encoding import WrongEncodingError
from pipeline.records.formats import FORMATS, FileFormat
from pipeline.records.kind import NUMBERS, Kind, column_type, kinds_of, merged, observe_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.declare.files_source import FilesSource
    from pipeline.ingest.landing import LandedFile
    from pipeline.records.values import Piece

# What reading, decompressing and decoding raise; everything else would be a mistake of this program.
READ_ERRORS = (OSError, EOFError, zlib.error, WrongEncodingError)
# Beside as many as a table may have columns: keys whose values turn out to be null, and such in another case.
_NOTED_KEYS = 10_000
_TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass
class FileOutcome:
    """What reading one file gave.

    Attributes:
        error: Why the file could not be read to its end, or None.
        sha256: The digest of the bytes that were read, or None where they are not the whole file.
        new_keys: Keys that could become columns.
    """

    path: str
    rows: int = 0
    corrupt_rows: int = 0
    rescued_rows: int = 0
    error: str | None = None
    sha256: str | None = None
    new_keys: dict[str, NewKey] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How the files of a batch are read.

    Attributes:
        columns: What records' values go to.
        held_back: Keys that may not be columns.
        folder: The landing folder, as text without a slash at its end.
        assumed: Columns that are not on record yet, and the kind of their values: the batch may have others.
    """

    source: FilesSource
    columns: tuple[Column, ...]
    held_back: tuple[str, ...] = ()
    folder: str = ""
    assumed: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def record_columns(self) -> tuple[Column, ...]:
        """The columns whose values are in the records: all but those of folders' names."""
        if not self.source.partition_columns:
            return self.columns
        return tuple(column for column in self.columns if column.name not in self.source.partition_columns)

    @property
    def settled(self) -> tuple[Column, ...]:
        """The columns that are on record."""
        return tuple(column for column in self.columns if column.name not in self.assumed)

    @property
    def typed(self) -> tuple[Column, ...]:
        """The columns that records may be read into at once, because that shows the kind of each value."""
        keeps_all = self.source.infer_column_types != "all"
        return tuple(column for column in self.record_columns if keeps_all or column.name not in self.assumed)

    @property
    def evolves(self) -> bool:
        """Whether new keys matter, because they become columns or stop the flow."""
        return self.source.schema_evolution_mode in {"addNewColumns", "failOnNewColumns"}

    def holds(self, keys: Mapping[str, NewKey]) -> bool:
        """Return whether every value of keys that become columns is in a column of the plan."""
        types = {column.name: column.type for column in self.columns}
        return not any(
            column_type(merged(self.assumed[name], key.kind)) != types[name]
            if name in self.assumed
            else key.kind is not None and can_become_column(name, self.columns, self.held_back, self.source.max_columns)
            for name, key in keys.items()
        )

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


def is_compressed_file(path: str, folder: str) -> bool:
    """Return whether a file can be read and is compressed, so that its size says little about its content's."""
    try:
        with open_file(path, folder) as file:
            return is_compressed(io.BufferedReader(file))
    except READ_ERRORS:
        return False


def read_pieces(path: str, plan: Plan, outcome: FileOutcome, most_bytes: int | None = None) -> Iterator[Piece]:
    """Yield a file's records in order, and note in the outcome which keys could become columns.

    A file that cannot be read to its end yields what could be read, and the outcome says why. A sample is read up to
    so many bytes of the content.
    """
    form = FORMATS[plan.source.format]
    assert form.read is not None
    try:
        with open_file(path, plan.folder) as file, decompressed(io.BufferedReader(file), path) as stream:
            content = stream if most_bytes is None else io.BytesIO(stream.read(most_bytes))
            for piece in form.read(content, plan.typed, plan.source):
                reach(FaultPoint.PARSE)
                note_keys(piece, plan, outcome)
                yield piece
            outcome.sha256 = file.sha256() if most_bytes is None else None
    except READ_ERRORS as error:
        outcome.error = described(error)


def read_through(outcome: FileOutcome, plan: Plan) -> FileOutcome:
    """Return an outcome with the file's digest, or with the reason why it cannot be read to its end."""
    again = FileOutcome(outcome.path)
    for _ in read_pieces(outcome.path, plan, again):
        pass
    return replace(outcome, sha256=again.sha256, error=again.error)


def rows_of(piece: Piece, file: LandedFile, plan: Plan, outcome: FileOutcome) -> pa.RecordBatch:
    """Return records as rows, and count them in the outcome; the plan may have columns that came later."""
    rescue = plan.source.schema_evolution_mode != "none"
    columns = plan.record_columns
    if isinstance(piece, list):
        rows = to_record_batch(piece, columns, file.path, rescue=rescue, options=plan.source)
    else:
        rows = piece
    count = rows.num_rows
    arrays = {
        **dict(zip(rows.schema.names, rows.columns, strict=True)),
        "source_file": pa.repeat(pa.scalar(file.path, pa.string()), count),
        "file_modification_time": pa.repeat(pa.scalar(file.modified_at, _TIMESTAMP), count),
    }
    if len(columns) < len(plan.columns):
        folders = tuple(column for column in plan.columns if column not in columns)
        values = partition_values(file.path, plan.folder, folders)
        add_partitions(arrays, to_record_batch([values], folders, file.path, rescue=rescue), count)
    schema = plan.arrow_schema()
    arrays |= {field.name: pa.nulls(count, field.type) for field in schema if field.name not in arrays}
    outcome.rows += count
    outcome.corrupt_rows += count - arrays["_corrupt_record"].null_count
    outcome.rescued_rows += count - arrays["_rescued_data"].null_count
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _kind_of(form: FileFormat, source: FilesSource) -> Callable[[Any], Kind]:
    """Return what says of which kind a value is, as the source spells numbers."""
    kind_of = kinds_of(source.infer_column_types, only_texts=form.has_only_texts)
    if source.decimal == ".":
        return kind_of

    def spelled(value: Any) -> Kind:
        number = kind_of(source.pointed(value))
        if number in NUMBERS:
            return number
        found = kind_of(value)
        return "string" if found in NUMBERS else found

    return spelled


def described(error: Exception) -> str:
    """Return an error of reading as text."""
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


def _keys_of(piece: Piece, plan: Plan, kind_of: Callable[[Any], Kind]) -> dict[str, Kind]:
    """Return the keys that are not on record, each with the kind of its values; rows have those that are assumed."""
    if isinstance(piece, list):
        on_record = [column for column in plan.record_columns if column.name not in plan.assumed]
        return observe_keys(piece, on_record, kind_of)
    known = (name for name in plan.assumed if name in piece.schema.names)
    return {name: plan.assumed[name] for name in known if piece[name].null_count < piece.num_rows}


def note_keys(piece: Piece, plan: Plan, outcome: FileOutcome) -> None:
    """Note in an outcome those keys of its file's records that could become columns."""
    if plan.evolves:
        kind_of = _kind_of(FORMATS[plan.source.format], plan.source)
        note_new_keys(_keys_of(piece, plan, kind_of), plan, outcome)


def note_new_keys(keys: Mapping[str, Kind], plan: Plan, outcome: FileOutcome) -> None:
    """Note in an outcome those of its file's keys that could become columns.

    Of more keys than could ever become columns some are left out: those without a value, or the last ones.
    """
    may_become_one = new_names(plan.settled, plan.held_back, plan.source.max_columns)
    most = _NOTED_KEYS + plan.source.max_columns
    if len(outcome.new_keys) >= most:
        outcome.new_keys = {name: key for name, key in outcome.new_keys.items() if key.kind is not None}
    for name, kind in keys.items():
        known = outcome.new_keys.get(name)
        if known is not None:
            outcome.new_keys[name] = known.with_more(NewKey(kind, outcome.path))
        elif len(outcome.new_keys) < most and may_become_one(name):
            outcome.new_keys[name] = NewKey(kind, outcome.path)


def merged_keys(outcomes: list[FileOutcome]) -> dict[str, NewKey]:
    """Return the new keys of several files, each with the kind of all its values."""
    keys: dict[str, NewKey] = {}
    for outcome in outcomes:
        for name, key in outcome.new_keys.items():
            keys[name] = keys[name].with_more(key) if name in keys else key
    return keys
