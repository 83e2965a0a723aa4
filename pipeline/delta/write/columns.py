"""Which columns deltalake stores exactly as Spark does; Spark writes all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from deltalake import DeltaTable

_SCALARS = (
    pa.types.is_string, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal,
    pa.types.is_date, pa.types.is_binary,
)  # fmt: skip
_NOT_IN_NAMES = frozenset(" ,;{}()\n\t=")


def can_create(schema: pa.Schema) -> bool:
    """Return whether deltalake creates the same table from these columns as Spark."""
    names = [name.lower() for name in schema.names]
    is_nameable = len(set(names)) == len(names) and not any(_NOT_IN_NAMES & set(name) for name in names)
    return is_nameable and all(map(_is_plain, schema.types))


def can_append(table: DeltaTable, schema: pa.Schema) -> bool:
    """Return whether deltalake appends these columns as Spark would: the table has them all, with the same types."""
    held = _columns(table)
    return all(_is_plain(field.type) and held.get(field.name) == field.type for field in schema)


def can_merge(table: DeltaTable, schema: pa.Schema) -> bool:
    """Return whether deltalake merges these columns as Spark would: they are the table's columns."""
    return set(schema.names) == set(_columns(table)) and can_append(table, schema)


def _columns(table: DeltaTable) -> dict[str, pa.DataType]:
    """Return a table's columns; none if it has features that deltalake may not know."""
    schema = pa.schema(table.schema().to_arrow())
    return {} if table.protocol().writer_features else dict(zip(schema.names, schema.types, strict=True))


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return kind.value_field.nullable and _is_plain(kind.value_type)
    if pa.types.is_map(kind):
        return kind.item_field.nullable and _is_plain(kind.key_type) and _is_plain(kind.item_type)
    if pa.types.is_struct(kind):
        return all(field.nullable and _is_plain(field.type) for field in kind)
    is_moment = pa.types.is_timestamp(kind) and kind.tz == "UTC"
    return is_moment or any(matches(kind) for matches in _SCALARS)
