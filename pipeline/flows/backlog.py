"""How much waits for a flow: files of a landing zone, or commits of the tables that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.flows.ingest import IngestFlow

if TYPE_CHECKING:
    from pipeline.flows.flow import Flow, Lakehouse


def backlog(flow: Flow, lakehouse: Lakehouse, batch_id: int) -> dict[str, int]:
    """Return the files and bytes that wait behind a batch, as `backlog_files` and `backlog_bytes`.

    Args:
        flow: The flow that carries the batch.
        lakehouse: Where its tables are.
        batch_id: The batch; -1 for a flow that has finished none.
    """
    if isinstance(flow, IngestFlow):
        files = flow.waiting(batch_id)
        return {"backlog_files": len(files), "backlog_bytes": sum(file.size_bytes for file in files)}
    starts = _next_versions(flow.position.offsets(batch_id), len(flow.sources))
    added = [lakehouse.table(name).log.added_since(version) for name, version in zip(flow.sources, starts, strict=True)]
    return {
        "backlog_files": sum(files for files, _ in added),
        "backlog_bytes": sum(size for _, size in added),
    }


def backlog_of_failed(flow: Flow, lakehouse: Lakehouse) -> dict[str, int]:
    """Return what waits behind the last batch that a failed flow has finished, its failed batch included.

    Nothing where it cannot be told: what stopped the flow may have spoiled its position too.
    """
    try:
        return backlog(flow, lakehouse, flow.position.done_batch())
    except Exception:  # noqa: BLE001 - the flow's own error is the one to tell
        return {}


def _next_versions(offsets: list[dict[str, Any]], count: int) -> list[int]:
    """Return, for each source of a query, the version of its table that the next batch begins with."""
    versions = []
    for offset in offsets:
        # An index says that the batch ends within the version, after that file of it; -1 says before its first.
        is_within = offset.get("index", -1) >= 0
        versions.append(int(offset.get("reservoirVersion", 0)) + is_within)
    return [*versions, *[0] * count][:count]
