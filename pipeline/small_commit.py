"""Commits of few rows, made by deltalake: what Spark takes a second to plan is done in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from pipeline.table_properties import TABLE_PROPERTIES
from pipeline.version_checksum import write_checksum

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import CommitProperties

# Both engines store these alike. Of all else Spark decides what becomes of it.
_SCALARS = (
    pa.types.is_string, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal,
    pa.types.is_date, pa.types.is_binary,
)  # fmt: skip
_NOT_IN_NAMES = frozenset(" ,;{}()\n\t=")


def can_append(table: Path, schema: pa.Schema) -> bool:
    """Tell whether rows may be appended here as Spark would: no new columns, or no table yet."""
    if not DeltaTable.is_deltatable(str(table)):
        names = [name.lower() for name in schema.names]
        is_nameable = len(set(names)) == len(names) and not any(_NOT_IN_NAMES & set(name) for name in names)
        return is_nameable and all(map(_is_plain, schema.types))
    return _fits(schema, _held(table))


def can_merge(table: Path, schema: pa.Schema) -> bool:
    """Tell whether rows may be merged here as Spark would: they have the table's very columns."""
    held = _held(table)
    return set(schema.names) == set(held) and _fits(schema, held)


def append(table: Path, rows: pa.Table, properties: CommitProperties) -> None:
    """Append rows; columns that they lack are null."""
    # Spark declares no column of a table as never null, whatever the first rows are like.
    nullable = pa.schema([pa.field(field.name, field.type) for field in rows.schema])
    write_deltalake(
        table,
        rows.cast(nullable),
        mode="append",
        schema_mode="merge",
        configuration=TABLE_PROPERTIES,
        commit_properties=properties,
    )
    write_checksum(DeltaTable(table))


def merge(table: Path, rows: pa.Table, same_row: str, changed: str, properties: CommitProperties) -> None:
    """Put rows in the place of those that they match, or beside them where they match none.

    Args:
        table: What is changed; where no row changes, no commit is made.
        rows: What is put there, `fresh` in the conditions.
        same_row: Which of the table's rows, `held`, a row stands for.
        changed: Whether it differs from it; else it is not written.
        properties: What the commit carries.
    """
    target = DeltaTable(table)
    (
        target.merge(rows, same_row, source_alias="fresh", target_alias="held", commit_properties=properties)
        .when_matched_update_all(changed)
        .when_not_matched_insert_all()
        .execute()
    )
    write_checksum(target)


def _held(table: Path) -> dict[str, pa.DataType]:
    """Return a table's columns; none where it has features that deltalake may not know of."""
    log = DeltaTable(table)
    schema = pa.schema(log.schema().to_arrow())
    return {} if log.protocol().writer_features else dict(zip(schema.names, schema.types, strict=True))


def _fits(schema: pa.Schema, held: dict[str, pa.DataType]) -> bool:
    return all(_is_plain(field.type) and held.get(field.name) == field.type for field in schema)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return kind.value_field.nullable and _is_plain(kind.value_type)
    is_moment = pa.types.is_timestamp(kind) and kind.tz == "UTC"
    return is_moment or any(matches(kind) for matches in _SCALARS)
