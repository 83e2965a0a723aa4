"""A declared folder of files, and the options for reading it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, get_args

from pipeline.declare.glob import glob_pattern
from pipeline.declare.text_options import check_text_options, is_numbered_name
from pipeline.foundation.clock import parse_duration
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.records.columns import Column
from pipeline.records.formats import FORMATS
from pipeline.records.kind import Inference
from pipeline.records.options import TextOptions
from pipeline.records.sql_type import NOT_IN_NAMES, SqlTypeError, can_name_column, parse_columns

EvolutionMode = Literal["addNewColumns", "rescue", "failOnNewColumns", "none"]
CleanSource = Literal["off", "archive", "delete"]

TECHNICAL_COLUMNS = (
    "record_id",
    "record_row",
    "_rescued_data",
    "_corrupt_record",
    "source_file",
    "file_modification_time",
    "ingestion_timestamp",
)
_LEAST = {"max_files_per_trigger": 1, "max_bytes_per_trigger": 1, "max_columns": 1, "max_record_bytes": 1024}
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True)
class FilesSource(TextOptions):
    """A folder below the landing zone and how its files become rows.

    Attributes:
        path: The folder's name below `landing/`.
        format: The name of one of `pipeline.records.formats`.
        hints: Columns whose types are given; they exist from the first update on.
        schema_evolution_mode: What a column that was never seen before does: `addNewColumns` adds it within
            the batch, `rescue` puts it into `_rescued_data`, `failOnNewColumns` stops the flow, `none` ignores it.
        infer_column_types: The types of such columns: `scalars` are DOUBLE, BOOLEAN and STRING, nested values as JSON
            text; `all` are also BIGINT, DATE, TIMESTAMP, STRUCT and ARRAY; `none` is STRING alone.
        max_files_per_trigger: At most this many files a batch.
        max_bytes_per_trigger: About this many bytes a batch; a single larger file is a batch of its own.
        max_columns: Columns beyond this number go to `_rescued_data`.
        allow_overwrites: Whether a file that comes again under its name is read again, its rows replaced here
            and downstream. If not, the version read first stays, and that another came is on record.
        clean_source: What happens to ingested files: `off` leaves them, `archive` moves them beside the landing
            zone, `delete` deletes them.
        clean_source_retention: How long after its commit a file stays in the landing zone.
        path_glob_filter: Which names are read; where it is empty, those with the format's extensions.
        recursive_file_lookup: Whether files in sub-folders are read too.
        partition_columns: Columns whose values come from folders such as `date=2026-03-01`, which are read too.
        include_existing_files: Whether files are read that were there before the first look.
    """

    path: str
    format: str = "json"
    hints: tuple[Column, ...] = ()
    schema_evolution_mode: EvolutionMode = "addNewColumns"
    infer_column_types: Inference = "scalars"
    max_files_per_trigger: int = 10_000
    max_bytes_per_trigger: int = 1024**3
    max_columns: int = 200
    allow_overwrites: bool = False
    clean_source: CleanSource = "off"
    clean_source_retention: timedelta = timedelta(days=30)
    path_glob_filter: str = ""
    recursive_file_lookup: bool = False
    partition_columns: tuple[str, ...] = ()
    include_existing_files: bool = True

    @property
    def reads_folders(self) -> bool:
        """Whether files in sub-folders are read, in some of them or in all."""
        return self.recursive_file_lookup or bool(self.partition_columns)

    @classmethod
    def declared(cls, *, path: str, format: str, schema_hints: str, **options: Any) -> FilesSource:  # noqa: A002
        """Return the source that a call of `read_files` describes.

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
        form = FORMATS[_one_of("format", format, tuple(FORMATS), path)]
        partitions = _partition_columns(options.pop("partition_columns", ()), path)
        hints = parse_hints(schema_hints, path)
        if form.columns and {hint.name for hint in hints} - set(partitions):
            problem = f'read_files("{path}"): files of the format {format} have no columns to give hints for.'
            names = ", ".join(f"`{column.name}`" for column in form.columns)
            raise AuthorError(problem, f"Leave `schema_hints` out; the columns are: {names}.")
        source = cls(
            path=path,
            format=format,
            hints=_with_partitions((*form.columns, *hints), partitions, path),
            partition_columns=partitions,
            **options,
        )
        return source._checked()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of files without a header: the hints, in their order."""
        names = self._hinted_names()
        return () if self.header or any(map(is_numbered_name, names)) else names

    def _hinted_names(self) -> tuple[str, ...]:
        return tuple(hint.name for hint in self.hints if hint.name not in self.partition_columns)

    def _checked(self) -> FilesSource:
        check_text_options(self, FORMATS[self.format], self._hinted_names(), self.path)
        _one_of("clean_source", self.clean_source, get_args(CleanSource), self.path)
        if isinstance(self.clean_source_retention, str):
            object.__setattr__(self, "clean_source_retention", parse_duration(self.clean_source_retention))
        _one_of("schema_evolution_mode", self.schema_evolution_mode, get_args(EvolutionMode), self.path)
        _one_of("infer_column_types", self.infer_column_types, get_args(Inference), self.path)
        for option in ("max_bytes_per_trigger", "max_record_bytes"):
            if isinstance(size := getattr(self, option), str):
                object.__setattr__(self, option, parse_bytes(size, self.path))
        for option, least in _LEAST.items():
            value = getattr(self, option)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                problem = (
                    f'read_files("{self.path}"): `{option}` must be a whole number above {least - 1}; got {value!r}.'
                )
                raise AuthorError(problem, "Correct that option.")
        for option in ("allow_overwrites", "recursive_file_lookup", "include_existing_files"):
            if not isinstance(value := getattr(self, option), bool):
                problem = f'read_files("{self.path}"): `{option}` must be True or False; got {value!r}.'
                raise AuthorError(problem, "Correct that option.")
        self._check_glob()
        self._check_nested()
        return self

    def _check_nested(self) -> None:
        nested = next((hint for hint in self.hints if "<" in hint.type), None)
        form = FORMATS[self.format]
        if nested and form.has_only_texts and not form.is_read_by_spark:
            problem = f'read_files("{self.path}"): schema_hints give `{nested.name}` the type `{nested.type}`,'
            remedy = f"Write `{nested.name} STRING`, and from_json() in the query of the next table."
            raise AuthorError(f"{problem} but a file of the format `{self.format}` has no nested values.", remedy)

    def _check_glob(self) -> None:
        glob = self.path_glob_filter
        where = f'read_files("{self.path}"): `path_glob_filter`'
        if not isinstance(glob, str):
            raise AuthorError(f"{where} must be a text; got {glob!r}.", 'Write for example "*.json".')
        if "/" in glob:
            problem = f"{where} is about names, not folders; got `{glob}`."
            raise AuthorError(problem, 'Write for example "*.json", and recursive_file_lookup=True for sub-folders.')
        try:
            glob_pattern(glob)
        except ValueError as error:
            problem = f"{where} is `{glob}`: {error}."
            raise AuthorError(problem, "Correct it; a backslash takes the character after it as it is.") from None


def _partition_columns(given: Any, path: str) -> tuple[str, ...]:
    """Return the names of partition columns, which are given as a list or as one text with commas.

    Raises:
        AuthorError: They are given otherwise, or a name cannot be a column or comes twice.
    """
    where = f'read_files("{path}"), partition_columns'
    remedy = 'Write for example partition_columns=["date"] for folders such as `date=2026-03-01`.'
    names = [*filter(None, map(str.strip, given.split(",")))] if isinstance(given, str) else given
    if not isinstance(given, str | list | tuple) or not all(isinstance(name, str) for name in names):
        raise AuthorError(f"{where}: expected names; got {given!r}.", remedy)
    found: dict[str, str] = {}
    for name in names:
        if not is_legal_name(name) or case_folded(name) in found:
            problem = f"{where}: `{name}` cannot be a column: taken, reserved, or with one of {NOT_IN_NAMES} in it."
            raise AuthorError(problem, remedy)
        found[case_folded(name)] = name
    return tuple(found.values())


def _with_partitions(hints: tuple[Column, ...], partitions: tuple[str, ...], path: str) -> tuple[Column, ...]:
    """Return hints with those of partition columns that have none: text.

    Raises:
        AuthorError: A hint names a partition column in another case.
    """
    hinted = {case_folded(hint.name): hint.name for hint in hints}
    for name in partitions:
        if (hint := hinted.get(case_folded(name), name)) != name:
            problem = f'read_files("{path}"): schema_hints name `{hint}`, partition_columns `{name}`.'
            raise AuthorError(problem, "Write the name alike in both, as the folders have it.")
    return (*hints, *(Column(name, "string") for name in partitions if name not in hinted.values()))


def parse_hints(schema_hints: str, path: str) -> tuple[Column, ...]:
    """Return the columns of a hint such as `device_id STRING, temperature_celsius DOUBLE`.

    Raises:
        AuthorError: It is not a list of names and types, or a name cannot be a column.
    """
    where = f'read_files("{path}"), schema_hints'
    try:
        hints = [Column(name, sql_type) for name, sql_type in parse_columns(schema_hints)]
    except SqlTypeError as error:
        raise AuthorError(f"{where}: {error}.", error.remedy) from None
    taken: set[str] = set()
    for name in (hint.name for hint in hints):
        if not is_legal_name(name) or case_folded(name) in taken:
            problem = f"{where}: `{name}` cannot be a column: taken, reserved, or with one of {NOT_IN_NAMES} in it."
            raise AuthorError(problem, "Choose another name.")
        taken.add(case_folded(name))
    return tuple(hints)


def is_legal_name(name: str) -> bool:
    """Return whether a key can be a column of a Delta table that this pipeline fills."""
    return can_name_column(name) and case_folded(name) not in TECHNICAL_COLUMNS


def case_folded(name: str) -> str:
    """Return what names of columns have in common that Spark takes for the same name in another case."""
    return name.upper().lower()


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
