"""Commits of many rows, whose files Arrow has written: deltalake takes these into the table's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from pipeline.fault_points import FaultPoint, reach
from pipeline.table_properties import TABLE_PROPERTIES
from pipeline.version_checksum import write_checksum

if TYPE_CHECKING:
    from pipeline.batch import Batch
    from pipeline.data_files import DataFile, DataFiles


def append(written: DataFiles, batch: Batch) -> None:
    """Add files to the table in whose folder they lie; where there is none yet, the same commit begins it.

    Of no files an existing table gets no commit, as from Spark. That a table takes columns is for
    `small_commit.can_append` to tell.
    """
    reach(FaultPoint.FILES_WRITTEN)
    table = str(written.folder)
    metrics = {
        "numFiles": str(len(written.files)),
        "numOutputRows": str(written.row_count),
        "numOutputBytes": str(sum(file.size_bytes for file in written.files)),
    }
    properties = batch.commit_properties(metrics)
    added: list[Any] = [_as_action(written, file) for file in written.files]
    if not DeltaTable.is_deltatable(table):
        schema = Schema.from_arrow(written.schema)
        create_table_with_add_actions(
            table, schema, added, configuration=TABLE_PROPERTIES, commit_properties=properties
        )
    elif added:
        log = DeltaTable(table)
        log.create_write_transaction(added, "append", log.schema(), commit_properties=properties)
    else:
        return
    write_checksum(DeltaTable(table))


def _as_action(written: DataFiles, file: DataFile) -> AddAction:
    modified_at = (written.folder / file.name).stat().st_mtime_ns // 1_000_000
    return AddAction(file.name, file.size_bytes, {}, modified_at, data_change=True, stats=file.statistics)
