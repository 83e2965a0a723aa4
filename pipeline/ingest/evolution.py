"""Which keys that no column takes become columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import AuthorError, DataError
from pipeline.ingest.columns import Column, ColumnType
from pipeline.ingest.source import is_legal_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ingest.schema_log import SchemaVersion
    from pipeline.ingest.source import FilesSource


@dataclass(frozen=True)
class NewKey:
    """A key that files held and no column takes.

    Attributes:
        type: What its values are, or None while all of them are null.
        file: The first file that held it.
    """

    type: ColumnType | None
    file: str


class NewColumnsError(DataError):
    """Files brought columns that the flow was told not to take."""

    def __init__(self, path: str, keys: Mapping[str, NewKey]) -> None:
        self.keys = dict(keys)
        listed = ", ".join(f"`{name}` (in {key.file})" for name, key in keys.items())
        super().__init__(
            f'read_files("{path}") stops on new columns: {listed}.',
            "Add them to schema_hints, choose another schema_evolution_mode, or remove the files; then run again.",
        )


def can_become_column(name: str, columns: Sequence[Column], held_back: Sequence[str], max_columns: int) -> bool:
    """Tell whether a key may become a column: a legal name, new in any case, not held back, and room for it."""
    taken = {column.name.lower() for column in columns} | {name.lower() for name in held_back}
    return is_legal_name(name) and name.lower() not in taken and len(columns) < max_columns


def new_hints(source: FilesSource, columns: Sequence[Column], taken_away: Sequence[Column] = ()) -> dict[str, Column]:
    """Return the hinted columns that are not among the columns yet.

    Args:
        source: What gives the hints.
        columns: The columns in force.
        taken_away: Columns that are no longer in force and that tables still have.

    Raises:
        AuthorError: A hint gives a column that exists another type, or its name in another case.
    """
    there = {column.name.lower() for column in columns}
    taken = {column.name.lower(): column for column in (*taken_away, *columns)}
    for hint in source.hints:
        column = taken.get(hint.name.lower(), hint)
        if column != hint:
            problem = (
                f'read_files("{source.path}"): schema_hints give `{hint.name} {hint.type.upper()}`, but the column '
                f"is there as `{column.name} {column.type.upper()}`, and a column cannot change its type."
            )
            raise AuthorError(problem, "Correct the hint, or give the values another name where they are sent.")
    return {hint.name: hint for hint in source.hints if hint.name.lower() not in there}


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
        if key.type and can_become_column(name, columns, version.held_back, source.max_columns):
            added[name] = Column(name, key.type)
            columns.append(added[name])
    if added and source.schema_evolution_mode == "failOnNewColumns":
        raise NewColumnsError(source.path, {name: keys[name] for name in added})
    return added
