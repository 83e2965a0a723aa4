"""What a declared folder of files is read with."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, get_args

from pipeline.clock import parse_duration
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.ingest.columns import Column, ColumnType
from pipeline.ingest.formats import known_formats

EvolutionMode = Literal["addNewColumns", "rescue", "failOnNewColumns", "none"]
CleanSource = Literal["off", "archive", "delete"]

TECHNICAL_COLUMNS = (
    "record_id",
    "_rescued_data",
    "_corrupt_record",
    "source_file",
    "file_modification_time",
    "ingestion_timestamp",
)
_SQL_TYPES: dict[str, ColumnType] = {"string": "string", "double": "double", "boolean": "boolean"}
_LEGAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True)
class FilesSource:
    """A folder below the landing zone and how its files become rows.

    Attributes:
        path: The folder's name below `landing/`.
        format: `json` (lines, objects, arrays) or `csv` (with a header); a module of `pipeline.ingest.formats`.
        hints: Columns whose types are given; they exist from the first update on.
        schema_evolution_mode: What a column that was never seen before does: `addNewColumns` adds it within
            the batch, `rescue` puts it into `_rescued_data`, `failOnNewColumns` stops the flow, `none` ignores it.
        max_files_per_trigger: At most this many files a batch.
        max_bytes_per_trigger: About this many bytes a batch; a single larger file is a batch of its own.
        max_columns: Columns beyond this number go to `_rescued_data`.
        allow_overwrites: Whether a file that comes again under its name is read again, its rows replaced here
            and downstream. If not, the version read first stays, and that another came is on record.
        clean_source: What becomes of ingested files: `off` leaves them, `archive` moves them beside the landing
            zone, `delete` deletes them.
        clean_source_retention: How long after its commit a file stays in the landing zone.
    """

    path: str
    format: str = "json"
    hints: tuple[Column, ...] = ()
    schema_evolution_mode: EvolutionMode = "addNewColumns"
    max_files_per_trigger: int = 10_000
    max_bytes_per_trigger: int = 1024**3
    max_columns: int = 200
    allow_overwrites: bool = False
    clean_source: CleanSource = "off"
    clean_source_retention: timedelta = timedelta(days=30)

    @classmethod
    def declared(cls, *, path: str, format: str, schema_hints: str, **options: Any) -> FilesSource:  # noqa: A002
        """Return the source that `read_files` was asked for.

        Raises:
            AuthorError: An option is unknown or has a value that does not fit.
        """
        known = {item.name for item in fields(cls)} - {"path", "format", "hints"} | {"schema_hints"}
        for option in options:
            if option not in known:
                raise UnknownNameError("option", option, known, f'read_files("{path}")')
        if not path or "/" in path or path.startswith((".", "_")):
            problem = f'read_files("{path}"): the path must be the name of one folder below landing/.'
            raise AuthorError(problem, 'Write for example read_files("orders").')
        source = cls(
            path=path,
            format=_one_of("format", format, known_formats(), path),
            hints=parse_hints(schema_hints, path),
            **options,
        )
        return source._checked()

    def _checked(self) -> FilesSource:
        _one_of("clean_source", self.clean_source, get_args(CleanSource), self.path)
        if isinstance(self.clean_source_retention, str):
            object.__setattr__(self, "clean_source_retention", parse_duration(self.clean_source_retention))
        _one_of("schema_evolution_mode", self.schema_evolution_mode, get_args(EvolutionMode), self.path)
        byte_limit = self.max_bytes_per_trigger
        if isinstance(byte_limit, str):
            object.__setattr__(self, "max_bytes_per_trigger", parse_bytes(byte_limit, self.path))
        for option in ("max_files_per_trigger", "max_bytes_per_trigger", "max_columns"):
            value = getattr(self, option)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                problem = f'read_files("{self.path}"): `{option}` must be a whole number above 0; got {value!r}.'
                raise AuthorError(problem, "Correct that option.")
        return self


def parse_hints(schema_hints: str, path: str) -> tuple[Column, ...]:
    """Return the columns of a hint such as `device_id STRING, temperature_celsius DOUBLE`.

    Raises:
        AuthorError: It is not a list of names and types, or a name cannot be a column.
    """
    columns: dict[str, Column] = {}
    for part in filter(None, (piece.strip() for piece in schema_hints.split(","))):
        name, _, type_name = part.partition(" ")
        name = name.strip("`")
        column_type = _SQL_TYPES.get(type_name.strip().lower())
        where = f'read_files("{path}"), schema_hints: `{part}`'
        if column_type is None:
            problem = f"{where}: type `{type_name.strip()}` is not known; expected {', '.join(_SQL_TYPES)}."
            raise AuthorError(problem, "Write for example `amount DOUBLE`.")
        if not is_legal_name(name) or name.lower() in {known.lower() for known in columns}:
            problem = f"{where}: `{name}` cannot be a column: taken, reserved, or not letters, digits and underscores."
            raise AuthorError(problem, "Choose another name.")
        columns[name] = Column(name, column_type)
    return tuple(columns.values())


def is_legal_name(name: str) -> bool:
    """Tell whether a key can be a column of a Delta table that this pipeline fills."""
    return bool(_LEGAL_NAME.fullmatch(name)) and name.lower() not in TECHNICAL_COLUMNS


def parse_bytes(text: str, path: str) -> int:
    """Return the number of bytes that a text such as `512m` names.

    Raises:
        AuthorError: It is not a number with an optional k, m or g.
    """
    match = re.fullmatch(r"(\d+)\s*([kmg]?)b?", text.strip().lower())
    if match is None:
        problem = f'read_files("{path}"): `{text}` is not a size.'
        raise AuthorError(problem, "Write a number with k, m or g, such as 512m.")
    return int(match[1]) * _BYTES[match[2]]


def _one_of(option: str, value: str, allowed: tuple[str, ...], path: str) -> str:
    if value not in allowed:
        raise UnknownNameError(f"value of `{option}`", value, allowed, f'read_files("{path}")')
    return value
