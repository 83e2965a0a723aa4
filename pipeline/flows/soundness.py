"""Whether a table's commits agree with its flow's checkpoint and with the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.delta.format_1 import may_have_forgotten
from pipeline.foundation.errors import DamagedStateError

if TYPE_CHECKING:
    from pipeline.checkpoint.position import Position
    from pipeline.delta.table import Table
    from pipeline.events.log import Totals


def check_log(table: Table, *, has_begun: bool) -> None:
    """Check that a table's Delta log is there and complete.

    Args:
        table: The table.
        has_begun: Whether a batch was ever committed. Until then, data files without a log may be the remains of a
            first batch that a kill cut short.

    Raises:
        DamagedStateError: The log or a part of it is missing.
    """
    name, path = table.path.name, table.path
    if has_begun and not table.exists and not table.is_readable:
        problem = f"The Delta log of `{name}` is gone: {path} holds data files without it."
        raise DamagedStateError(problem, rebuild_remedy(name))
    # The checksum of a later commit repeats the table's columns, so what remains would be read as the whole table.
    if table.exists and not table.log.has_its_beginning():
        problem = f"The Delta log of `{name}` has lost commits: {path} has neither the first one nor a checkpoint."
        raise DamagedStateError(problem, rebuild_remedy(name))


def check_there(table: Table, totals: Totals) -> None:
    """Check that a table that has rows by the event log has not disappeared.

    Raises:
        DamagedStateError: It has.
    """
    name = table.path.name
    if totals.rows[name] > 0 and not table.exists:
        problem = f"`{name}` is gone: the event log knows of {totals.rows[name]:,} rows, {table.path} holds no table."
        raise DamagedStateError(problem, rebuild_remedy(name))


def check_commits(table: Table, position: Position, totals: Totals) -> None:
    """Check that a flow's newest commit in a table agrees with its checkpoint and with the event log.

    Raises:
        DamagedStateError: Commits or events are missing.
    """
    name, flow_id, done = table.path.name, position.flow_id(), position.done_batch()
    committed = table.committed_batch(flow_id)
    logged = totals.newest_batch_with_rows[flow_id, name]
    if committed < logged:
        problem = (
            f"The Delta log of `{name}` has lost commits: {table.path} ends with batch {committed}, "
            f"the event log knows of batch {logged}."
        )
        raise DamagedStateError(problem, rebuild_remedy(position.folder.name))
    if _has_forgotten(table, position, committed, totals.newest_batch[flow_id, name]):
        problem = (
            f"Batch {position.planned_batch()} of `{position.folder.name}` was cut short so long ago that the Delta "
            f"log of `{name}` no longer tells what it wrote."
        )
        raise DamagedStateError(problem, rebuild_remedy(position.folder.name))
    if totals.newest_batch[flow_id, name] < committed <= done:
        problem = (
            f"The event log has lost events: it does not know of batch {committed}, which `{name}` holds "
            "and the checkpoint has passed."
        )
        raise DamagedStateError(
            problem, "Restore it from a backup, or run `python -m pipeline run --full-refresh-all`."
        )


def _has_forgotten(table: Table, position: Position, committed: int, logged: int) -> bool:
    """Return whether the log has lost the commit of a batch that has to be finished."""
    if committed > max(position.done_batch(), logged):
        wanted = position.flow_id(), committed
        return not any((batch.flow_id, batch.batch_id) == wanted for batch, _ in table.commits())
    # In format 1 a batch went with its commit. Expires when no home of format 1 is left with an unfinished batch.
    is_unfinished = position.planned_batch() > max(position.done_batch(), committed)
    return is_unfinished and table.exists and may_have_forgotten(table, position.planned_at())


def rebuild_remedy(table: str) -> str:
    """Return the advice for a table whose data or state is damaged."""
    return f"Restore the folder from a backup, or rebuild with `python -m pipeline run --full-refresh {table}`."
