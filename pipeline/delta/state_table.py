"""Delta tables that hold state: appended by small commits, many a minute, and kept in few files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import DeltaTable, write_deltalake

from pipeline.delta.properties import TABLE_PROPERTIES
from pipeline.delta.reading import file_sizes

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

# Each commit is a small file of its own; reading them one by one would slow every update down.
_MOST_SMALL_FILES = 100
# What has grown to this is not written again, so that joining files costs the same however long the table.
_COMPACTED_BYTES = 8 * 1024**2


def append(path: Path, rows: pa.Table) -> None:
    """Append rows in one commit; where small files have become many, a second one joins them.

    Columns that the table lacks are added to it, and are NULL in its older rows.

    One writer at a time: callers hold a lock. Who reads an older version meanwhile has an hour to finish.

    Raises:
        DeltaError: The table cannot be read or written.
        OSError: Its folder cannot.
    """
    if not DeltaTable.is_deltatable(str(path)):
        write_deltalake(path, rows, mode="append", configuration=TABLE_PROPERTIES)
        return
    table = DeltaTable(path)
    write_deltalake(table, rows, mode="append", schema_mode="merge")
    if sum(size < _COMPACTED_BYTES for size in file_sizes(table)) > _MOST_SMALL_FILES:
        table.optimize.compact(target_size=_COMPACTED_BYTES)
        table.vacuum(retention_hours=1, dry_run=False, enforce_retention_duration=False)


def update(path: Path, values: dict[str, str], where: str) -> None:
    """Give columns other values, which are written in SQL, in the rows that meet a condition."""
    DeltaTable(path).update(updates=values, predicate=where)
