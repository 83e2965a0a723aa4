"""The events of an update, in the original's event types."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.events.event import Level, Origin
from pipeline.flows.judged_write import ExpectationViolatedError
from pipeline.report.details import data_quality, expectations_of, flow_definition, metrics_of, quality_of_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql.streaming.listener import StreamingQueryProgress

    from pipeline.delta.batch import Batch, Written
    from pipeline.events.log import EventLog
    from pipeline.flows.flow import Flow, Listing, Progress
    from pipeline.flows.open import Lakehouse
    from pipeline.foundation.errors import LakehouseError
    from pipeline.quality.rules import Suite
    from pipeline.quality.tables.table_verdict import TableVerdict
    from pipeline.selection import Selection
    from pipeline.settings import Settings

_NAMESPACE = uuid.UUID("7f5a1f0e-5d0c-4c1e-9a35-6d8f2f6f3b60")
_LEVELS: dict[str, Level] = {"FAILED": "ERROR", "SKIPPED": "WARN", "CANCELED": "WARN"}


@dataclass
class Reporter:
    """Turns what an update does into events."""

    log: EventLog
    update_id: str
    settings: Settings
    _suites: Mapping[str, Suite] = field(default_factory=dict)
    _newest_logged: dict[tuple[str, str], int] = field(default_factory=dict)

    def created(self, cause: str, user: str, selection: Selection) -> None:
        """Log that an update begins, why, and what it was asked to do."""
        settings = self.settings
        details = {
            "run_as": user,
            "cause": cause,
            "config": {"name": settings.name, "schema": settings.target_schema, "mode": settings.mode},
            "refresh_selection": list(selection.refresh),
            "full_refresh_selection": list(selection.full_refresh),
            "full_refresh": selection.full_refresh_all,
        }
        self._emit("create_update", f"Update {self.update_id[:8]} started by {cause}.", details)
        action = {"action": "START", "user_name": user, "user_id": user}
        self._emit("user_action", f"User {user} started an update.", action)

    def state(self, state: str, *, error: BaseException | None = None) -> None:
        """Log that the update is in another state."""
        message = f"Update {self.update_id[:8]} is {state}."
        self._emit("update_progress", message, {"state": state}, level=_LEVELS.get(state, "INFO"), error=error)

    def definitions(self, lakehouse: Lakehouse, flows: Sequence[Flow]) -> None:
        """Log the datasets with their expectations, and the flows between them."""
        self._suites = lakehouse.suites
        for node in lakehouse.graph.nodes.values():
            expectations = expectations_of(self._suites[node.name]) if node.name in self._suites else []
            details = {"dataset_type": node.dataset.kind.upper(), "num_flows": 1, "expectations": expectations}
            self._emit("dataset_definition", f"Dataset {node.name} is defined.", details, {"dataset_name": node.name})
        position = {target: flow.position for flow in flows for target in flow.targets}
        for node in lakehouse.graph.nodes.values():
            flow_id = position[node.name].flow_id() if node.name in position else None
            about = {"dataset_name": node.name, "flow_name": node.name, "flow_id": flow_id}
            definition = flow_definition(lakehouse, node)
            self._emit("flow_definition", f"Flow {node.name} is defined.", definition, about)

    def flow_status(self, flow: Flow, status: str, *, because: str = "") -> None:
        """Log that a flow is in another state."""
        message = f"Flow {flow.node.name} is {status}{f' because {because}' if because else ''}."
        self._progress(flow, message, {"status": status}, level=_LEVELS.get(status, "INFO"))

    def flow_failed(self, flow: Flow, error: LakehouseError, waiting: dict[str, int]) -> None:
        """Log that a flow has failed, why, what judging its rows had shown, and its backlog."""
        figures: dict[str, Any] = {}
        if waiting:
            figures["metrics"] = dict.fromkeys(("num_input_rows", "num_output_rows", "num_deleted_rows"), 0) | waiting
        if isinstance(error, ExpectationViolatedError):
            # No row was dropped or marked: the batch was not written.
            unwritten = {"dropped_records": 0, "warned_records": 0, "rolled_back": True}
            seen = data_quality(self._suites[flow.node.name], flow.node.name, error.evidence)
            figures["data_quality"] = seen | unwritten
        message = f"Flow {flow.node.name} is FAILED: {error.problem}"
        self._progress(flow, message, {"status": "FAILED"}, figures, level="ERROR", error=error)

    def flow_retried(self, flow: Flow, error: LakehouseError, attempt: int, wait_seconds: float) -> None:
        """Log that a flow has failed in a way that may pass, and is retried after a wait."""
        again = f"is tried again in {wait_seconds:g} s, after attempt {attempt}"
        message = f"Flow {flow.node.name} {again}: {error.problem}"
        details = {"status": "QUEUED", "attempt": attempt, "wait_seconds": wait_seconds}
        self._progress(flow, message, details, level="WARN")

    def has_logged(self, batch: Batch, target: str) -> bool:
        """Return whether the event about a batch and a table was emitted, now or by an earlier update."""
        newest = self._newest_logged.get((batch.flow_id, target))
        if newest is not None:
            # A flow's batches come in order: only an update's first one may have an event of an earlier update.
            return batch.batch_id <= newest
        return self.event_id(batch, target) in self.logged_ids()

    def flow_reset(self, flow: Flow, batch: Batch, emptied: dict[str, Written]) -> None:
        """Log once that a flow begins anew, and how many rows were deleted for that."""
        for target, written in emptied.items():
            if self.has_logged(batch, target):
                continue
            about = {"dataset_name": target, "flow_name": flow.node.name}
            self._emit("user_action", f"Table {target} is reset.", {"action": "FULL_REFRESH"}, about)
            message = f"Table {target}: {written.deleted_rows:,} rows taken away by a full refresh."
            metrics = {"num_output_rows": 0, "num_deleted_rows": written.deleted_rows}
            self._count(batch, message, {"status": "RUNNING", "metrics": metrics}, about)
        self.log.flush()

    def replay_begun(self, table: str, details: dict[str, Any]) -> None:
        """Log that rows of a quarantine go through the rules again, and with which corrections."""
        message = f"Rows of {table} are replayed."
        self._emit("user_action", message, {"action": "REPLAY", **details}, {"dataset_name": table})

    def logged_ids(self) -> frozenset[str]:
        """Return the ids of the flushed events that count rows."""
        return self.log.counted_ids()

    @staticmethod
    def event_id(batch: Batch, target: str) -> str:
        """Return the id of the event about a batch and a table, which is always the same."""
        return str(uuid.uuid5(_NAMESPACE, f"{batch.flow_id}/{batch.batch_id}/{target}"))

    def flush(self) -> None:
        """Flush the buffered events.

        Raises:
            EnvironmentFaultError: The event log cannot be written.
        """
        self.log.flush()

    def batch_done(self, flow: Flow, batch: Batch, progress: Progress) -> None:
        """Log what one batch did, once for each table, however often the batch is run."""
        for target, written in progress.written.items():
            if self.has_logged(batch, target):
                continue
            details: dict[str, Any] = {
                "status": "RUNNING",
                "metrics": metrics_of(written, progress, rejected=target != flow.node.name),
            }
            if progress.evidence is not None and target == flow.node.name:
                details["data_quality"] = data_quality(self._suites[target], target, progress.evidence)
            message = f"Flow {batch.flow_name}, batch {batch.batch_id}: {written.rows:,} rows to {target}."
            about = {"flow_name": batch.flow_name, "flow_id": batch.flow_id, "batch_id": batch.batch_id}
            self._count(batch, message, details, {"dataset_name": target, **about})

    def _count(self, batch: Batch, message: str, details: dict[str, Any], about: dict[str, Any]) -> None:
        target = about["dataset_name"]
        event_id = self.event_id(batch, target)
        self._emit("flow_progress", message, details, about, level="METRICS", event_id=event_id)
        self._newest_logged[batch.flow_id, target] = batch.batch_id

    def listed(self, flow: Flow, listing: Listing) -> None:
        """Log that a landing zone was listed, and how long that took."""
        details = {
            "type": "AUTO_LOADER_LISTING",
            "status": "COMPLETED",
            "duration_ms": int(listing.seconds * 1000),
            "auto_loader_details": {"source_path": str(listing.folder), "num_files_listed": listing.files},
        }
        message = f"Flow {flow.node.name} has listed {listing.files:,} files."
        self._emit("operation_progress", message, details, _about(flow))

    def streamed(self, flow: Flow, progress: Iterable[StreamingQueryProgress]) -> None:
        """Log what Structured Streaming itself reports of a query's batches."""
        for batch in progress:
            if "addBatch" not in batch.durationMs:
                continue
            message = f"Flow {flow.node.name}, batch {batch.batchId}: {batch.durationMs['triggerExecution']} ms."
            details, about = {"progress_json": batch.json}, _about(flow) | {"batch_id": batch.batchId}
            self._emit("stream_progress", message, details, about, level="METRICS", maturity_level="EVOLVING")

    def table_judged(
        self, flow: Flow, table: str, verdicts: Sequence[TableVerdict], error: LakehouseError | None
    ) -> None:
        """Log the verdicts on a table as a whole; each counts as one record, an unknown verdict as none."""
        status = "FAILED" if error else "COMPLETED"
        unmet = [verdict.name for verdict in verdicts if not verdict.passed]
        message = f"Table {table} as a whole: {len(verdicts) - len(unmet)} of {len(verdicts)} expectations are met"
        message += f"; not met or not judged: {', '.join(unmet)}." if unmet else "."
        level: Level = "ERROR" if error else "WARN" if unmet else "INFO"
        details = {"status": status, "data_quality": quality_of_table(table, verdicts)}
        about = _about(flow) | {"dataset_name": table}
        self._emit("flow_progress", message, details, about, level=level, error=error)

    def _progress(
        self, flow: Flow, message: str, details: dict[str, Any], figures: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """Emit an event about each of a flow's tables; the one that gives the flow its name has the figures."""
        name = flow.node.name
        for target in flow.targets:
            of_table = details | (figures or {}) if target == name else details
            self._emit("flow_progress", message, of_table, {"dataset_name": target, "flow_name": name}, **more)

    def _emit(
        self,
        event_type: str,
        message: str,
        details: dict[str, Any],
        about: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Emit an event; `about` completes its origin, `more` are further arguments of `EventLog.emit`."""
        settings = self.settings
        pipeline_id = str(uuid.uuid5(_NAMESPACE, f"{settings.name}/{settings.target_schema}"))
        origin = Origin(pipeline_id, settings.name, self.update_id, **(about or {}))
        self.log.emit(origin, event_type, message, details, **more)


def _about(flow: Flow) -> dict[str, Any]:
    """Return what an event's origin says of a flow and of the table that gives it its name."""
    return {"dataset_name": flow.node.name, "flow_name": flow.node.name, "flow_id": flow.position.flow_id()}
