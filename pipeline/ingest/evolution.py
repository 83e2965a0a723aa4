"""Which keys that no column takes become columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.declare.files_source import FilesSource, case_folded, is_legal_name
from pipeline.foundation.errors import AuthorError, DataError
from pipeline.records.columns import Column
from pipeline.records.kind import Kind, column_type, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.ingest.schema_log import SchemaVersion


@dataclass(frozen=True)
class NewKey:
    """A key in files that no column takes.

    Attributes:
        kind: What its values are, or None while all of them are null.
        file: The first file that has a value.
    """

    kind: Kind
    file: str

    def with_more(self, other: NewKey) -> NewKey:
        """Return the key with its values in later files."""
        return other if self.kind is None else NewKey(merged(self.kind, other.kind), self.file)


class NewColumnsError(DataError):
    """Files brought columns that the flow must not take."""

    def __init__(self, path: str, keys: Mapping[str, NewKey]) -> None:
        self.keys = dict(keys)
        listed = ", ".join(f"`{name}` (in {key.file})" for name, key in keys.items())
        super().__init__(
            f'read_files("{path}") stops on new columns: {listed}.',
            "Add them to schema_hints, choose another schema_evolution_mode, or remove the files; then run again.",
        )


def can_become_column(name: str, columns: Sequence[Column], held_back: Sequence[str], max_columns: int) -> bool:
    """Return whether a key may become a column: a legal name, new in any case, not held back, and room for it."""
    return new_names(columns, held_back, max_columns)(name)


def new_names(columns: Sequence[Column], held_back: Sequence[str], max_columns: int) -> Callable[[str], bool]:
    """Return what says whether a key may become a column; see `can_become_column`."""
    taken = {case_folded(column.name) for column in columns} | {case_folded(name) for name in held_back}
    has_room = len(columns) < max_columns
    return lambda name: has_room and is_legal_name(name) and case_folded(name) not in taken


def new_hints(source: FilesSource, columns: Sequence[Column], taken_away: Sequence[Column] = ()) -> dict[str, Column]:
    """Return the hinted columns that are not among the columns yet.

    Args:
        source: The source that gives the hints.
        columns: The columns in force.
        taken_away: Columns that are not in force any more but that tables still have.

    Raises:
        AuthorError: A hint gives a column that exists another type, or its name in another case.
    """
    existing = {case_folded(column.name) for column in columns}
    taken = {case_folded(column.name): column for column in (*taken_away, *columns)}
    for hint in source.hints:
        column = taken.get(case_folded(hint.name), hint)
        if column != hint:
            problem = (
                f'read_files("{source.path}"): schema_hints give `{hint.name} {hint.type.upper()}`, but the column '
                f"is there as `{column.name} {column.type.upper()}`, and a column cannot change its type."
            )
            raise AuthorError(problem, "Correct the hint, or give the values another name where they are sent.")
    return {hint.name: hint for hint in source.hints if case_folded(hint.name) not in existing}


def evolved(source: FilesSource, version: SchemaVersion, keys: Mapping[str, NewKey]) -> dict[str, Column]:
    """Return the columns that new keys add, in the order the keys came; empty when nothing changes.

    Raises:
        NewColumnsError: The mode is `failOnNewColumns` and there is one.
    """
    if source.schema_evolution_mode in {"rescue", "none"}:
        return {}
    columns = list(version.columns)
    added: dict[str, Column] = {}
    for name, key in keys.items():
        found = column_type(key.kind)
        if found and can_become_column(name, columns, version.held_back, source.max_columns):
            added[name] = Column(name, found)
            columns.append(added[name])
    if added and source.schema_evolution_mode == "failOnNewColumns":
        raise NewColumnsError(source.path, {name: keys[name] for name in added})
    return added
