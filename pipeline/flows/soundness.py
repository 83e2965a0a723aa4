"""Whether a flow's table, its checkpoint and the event log still tell the same story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import DamagedStateError
from pipeline.flows.ingest import IngestFlow

if TYPE_CHECKING:
    from pipeline.balance import Record
    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.tables import Table


def check_sound(flow: Flow, lakehouse: Lakehouse, record: Record) -> None:
    """Check that nothing was taken out of a flow's state, its tables or the event log behind its back.

    Raises:
        DamagedStateError: Something is missing; nothing has been written.
    """
    flow_id = flow.position.flow_id()
    done = flow.position.done_batch()
    flow.position.check(lakehouse.table(flow.node.name))
    if isinstance(flow, IngestFlow):
        for file in flow.zone.discovery().broken_files(flow.position.planned_batch()):
            problem = f"The checkpoint of `{flow.node.name}` is damaged: {file} is gone or cut short."
            raise DamagedStateError(problem, _rebuild(flow.node.name))
    for name in flow.targets:
        _check_log_is_there(lakehouse.table(name), has_begun=done >= 0 or record.has_rows_of(name))
    for name in flow.sources:
        _check_log_is_there(lakehouse.table(name), has_begun=record.has_rows_of(name))
    for target in flow.targets:
        table = lakehouse.table(target)
        committed = table.committed_batch(flow_id)
        on_record = record.told_with_rows[flow_id, target]
        if committed < on_record and not table.has_forgotten(flow_id):
            problem = (
                f"The Delta log of `{target}` has lost commits: {table.path} ends with batch {committed}, "
                f"the event log knows of batch {on_record}."
            )
            raise DamagedStateError(problem, _rebuild(flow.node.name))
        planned = flow.position.planned_batch()
        if planned > max(done, committed) and table.exists and table.log.is_cut_after(flow.position.planned_at()):
            problem = (
                f"Batch {planned} of `{flow.node.name}` was cut short so long ago that the Delta log of `{target}` "
                "no longer tells whether its rows are there."
            )
            raise DamagedStateError(problem, _rebuild(flow.node.name))
        if record.told[flow_id, target] < committed <= done:
            problem = (
                f"The event log has lost events: it does not know of batch {committed}, which `{target}` holds "
                "and the checkpoint has passed."
            )
            raise DamagedStateError(
                problem, "Restore it from a backup, or run `python -m pipeline run --full-refresh-all`."
            )


def _check_log_is_there(table: Table, *, has_begun: bool) -> None:
    name, path = table.path.name, table.path
    # Files without a log may also be all that a first batch has come to that was cut short.
    if has_begun and not table.exists and not table.is_readable:
        problem = f"The Delta log of `{name}` is gone: {path} holds data files without it."
        raise DamagedStateError(problem, _rebuild(name))
    # The checksum of a later commit tells the table's columns, and what is left would be read as if it were all.
    if table.exists and not table.log.has_its_beginning():
        problem = f"The Delta log of `{name}` has lost commits: {path} has neither the first one nor a checkpoint."
        raise DamagedStateError(problem, _rebuild(name))


def _rebuild(table: str) -> str:
    return f"Restore the folder from a backup, or rebuild with `python -m pipeline run --full-refresh {table}`."
