"""Homes of format 1: Spark's commits named their batch in the note alone, which goes when the commit is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import CommitProperties, DeltaTable, Transaction

from pipeline.delta.checksum import write_checksum
from pipeline.delta.commits import Commit

if TYPE_CHECKING:
    from pipeline.delta.table import Table


def name_batches(table: Table) -> None:
    """Write each flow's newest batch down as Delta's transaction, in one empty commit; none if all of them are."""
    if not table.exists:
        return
    log = DeltaTable(table.path)
    newest: dict[str, int] = {}
    for batch, _ in table.commits():
        newest[batch.flow_id] = max(batch.batch_id, newest.get(batch.flow_id, -1))
    missing = [
        Transaction(flow_id, batch_id)
        for flow_id, batch_id in newest.items()
        if batch_id > (-1 if (known := log.transaction_version(flow_id)) is None else known)
    ]
    if missing:
        properties = CommitProperties(app_transactions=missing)
        log.create_write_transaction([], "append", log.schema(), commit_properties=properties)
        log.update_incremental()
        write_checksum(log)


def may_have_forgotten(table: Table, milliseconds: int) -> bool:
    """Return whether commits were deleted that may have been made after a moment, in milliseconds since 1970.

    If a flow's newest batch was planned at that moment and neither its table nor its checkpoint knows it, nobody can
    say whether its rows are there.
    """
    log = table.log
    oldest = next(iter(log.files()), None)
    return not log.is_whole() and (oldest is None or int(Commit(oldest).info.get("timestamp", 0)) > milliseconds)
