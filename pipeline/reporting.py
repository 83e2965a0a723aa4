"""What an update tells the event log, in the original's event types."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from pipeline.event_details import data_quality, expectations_of, flow_definition, metrics_of, quality_of_table
from pipeline.event_log import Level, Origin
from pipeline.flows.stream import ExpectationViolatedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql.streaming.listener import StreamingQueryProgress

    from pipeline.batch import Batch, Written
    from pipeline.errors import LakehouseError
    from pipeline.event_log import EventLog
    from pipeline.flows.flow import Flow, Lakehouse, Progress
    from pipeline.flows.ingest import IngestFlow
    from pipeline.quality.rules import Suite
    from pipeline.quality.table_verdict import TableVerdict
    from pipeline.selection import Selection
    from pipeline.settings import Settings

_NAMESPACE = uuid.UUID("7f5a1f0e-5d0c-4c1e-9a35-6d8f2f6f3b60")
_LEVELS: dict[str, Level] = {"FAILED": "ERROR", "SKIPPED": "WARN", "CANCELED": "WARN"}


class Reporter:
    """Turns what an update does into events."""

    def __init__(self, log: EventLog, update_id: str, settings: Settings) -> None:
        self._log = log
        self._update_id = update_id
        self._settings = settings
        self._suites: dict[str, Suite] = {}
        self._newest_told: dict[tuple[str, str], int] = {}
        self._pipeline_id = str(uuid.uuid5(_NAMESPACE, f"{settings.name}/{settings.target_schema}"))

    def created(self, cause: str, user: str, selection: Selection) -> None:
        """Tell that an update begins, why, and what it was asked to do."""
        config = {
            "name": self._settings.name,
            "schema": self._settings.target_schema,
            "mode": self._settings.mode,
        }
        details = {
            "run_as": user,
            "cause": cause,
            "config": config,
            "refresh_selection": list(selection.refresh),
            "full_refresh_selection": list(selection.full_refresh),
            "full_refresh": selection.full_refresh_all,
        }
        self._log.tell(self._origin(), "create_update", f"Update {self._update_id[:8]} started by {cause}.", details)
        action = {"action": "START", "user_name": user, "user_id": user}
        self._log.tell(self._origin(), "user_action", f"User {user} started an update.", action)

    def state(self, state: str, *, error: BaseException | None = None) -> None:
        """Tell that the update is in another state."""
        message = f"Update {self._update_id[:8]} is {state}."
        self._log.tell(
            self._origin(), "update_progress", message, {"state": state},
            level=_LEVELS.get(state, "INFO"), error=error,
        )  # fmt: skip

    def definitions(self, lakehouse: Lakehouse, flows: list[Flow]) -> None:
        """Tell which datasets there are, with which expectations, and what flows from where to where."""
        self._suites = dict(lakehouse.suites)
        for node in lakehouse.graph.nodes.values():
            expectations = expectations_of(self._suites[node.name]) if node.name in self._suites else []
            details = {
                "dataset_type": node.dataset.kind.upper(),
                "num_flows": 1,
                "expectations": expectations,
            }
            origin = self._origin(dataset_name=node.name)
            self._log.tell(origin, "dataset_definition", f"Dataset {node.name} is defined.", details)
        position = {target: flow.position for flow in flows for target in flow.targets}
        for node in lakehouse.graph.nodes.values():
            flow_id = position[node.name].flow_id() if node.name in position else None
            origin = self._origin(dataset_name=node.name, flow_name=node.name, flow_id=flow_id)
            self._log.tell(origin, "flow_definition", f"Flow {node.name} is defined.", flow_definition(node))

    def flow_status(self, flow: Flow, status: str, *, because: str = "") -> None:
        """Tell that a flow is in another state."""
        message = f"Flow {flow.node.name} is {status}{f' because {because}' if because else ''}."
        for target in flow.targets:
            origin = self._origin(dataset_name=target, flow_name=flow.node.name)
            self._log.tell(origin, "flow_progress", message, {"status": status}, level=_LEVELS.get(status, "INFO"))

    def flow_failed(self, flow: Flow, error: LakehouseError, waiting: dict[str, int]) -> None:
        """Tell that a flow has failed, why, what had been seen of its rows, and what is left waiting."""
        told: dict[str, Any] = {}
        if waiting:
            told["metrics"] = dict.fromkeys(("num_input_rows", "num_output_rows", "num_deleted_rows"), 0) | waiting
        if isinstance(error, ExpectationViolatedError):
            # Nothing was left out or marked: the batch was not written.
            unwritten = {"dropped_records": 0, "warned_records": 0, "rolled_back": True}
            seen = data_quality(self._suites[flow.node.name], flow.node.name, error.evidence)
            told["data_quality"] = seen | unwritten
        message = f"Flow {flow.node.name} is FAILED: {error.problem}"
        for target in flow.targets:
            origin = self._origin(dataset_name=target, flow_name=flow.node.name)
            details = {"status": "FAILED"} | (told if target == flow.node.name else {})
            self._log.tell(origin, "flow_progress", message, details, level="ERROR", error=error)

    def flow_retried(self, flow: Flow, error: LakehouseError, attempt: int, wait_seconds: float) -> None:
        """Tell that a flow has failed in a way that may pass, and is tried again after a wait."""
        again = f"is tried again in {wait_seconds:g} s, after attempt {attempt}"
        message = f"Flow {flow.node.name} {again}: {error.problem}"
        details = {"status": "QUEUED", "attempt": attempt, "wait_seconds": wait_seconds}
        for target in flow.targets:
            origin = self._origin(dataset_name=target, flow_name=flow.node.name)
            self._log.tell(origin, "flow_progress", message, details, level="WARN")

    def has_told(self, batch: Batch, target: str) -> bool:
        """Tell whether what a batch did to a table is on record, or on its way there."""
        newest = self._newest_told.get((batch.flow_id, target))
        if newest is not None:
            # A flow's batches come in order: only the first after a start may have been told by somebody else.
            return batch.batch_id <= newest
        return self.event_id(batch, target) in self.told()

    def flow_reset(self, flow: Flow, batch: Batch, emptied: dict[str, Written]) -> None:
        """Tell, once, that a flow begins anew, and how many rows that took away."""
        for target, written in emptied.items():
            if self.has_told(batch, target):
                continue
            origin = self._origin(dataset_name=target, flow_name=flow.node.name)
            metrics = {"num_output_rows": 0, "num_deleted_rows": written.deleted_rows}
            self._log.tell(origin, "user_action", f"Table {target} is reset.", {"action": "FULL_REFRESH"})
            message = f"Table {target}: {written.deleted_rows:,} rows taken away by a full refresh."
            details = {"status": "RUNNING", "metrics": metrics}
            self._count(origin, message, details, batch, target)
        self._log.flush()

    def replay_begun(self, table: str, details: dict[str, Any]) -> None:
        """Tell that rows of a quarantine go through the rules again, and with which corrections."""
        message = f"Rows of {table} are replayed."
        self._log.tell(self._origin(dataset_name=table), "user_action", message, {"action": "REPLAY", **details})

    def told(self) -> frozenset[str]:
        """Return the ids of the events on record that count rows."""
        return self._log.counted_ids()

    def event_id(self, batch: Batch, target: str) -> str:
        """Return the id of the event that tells what a batch did to a table: always the same."""
        return str(uuid.uuid5(_NAMESPACE, f"{batch.flow_id}/{batch.batch_id}/{target}"))

    def flush(self) -> None:
        """Have everything told so far written.

        Raises:
            EnvironmentFaultError: The event log cannot be written.
        """
        self._log.flush()

    def batch_done(self, flow: Flow, batch: Batch, progress: Progress) -> None:
        """Tell what one batch did, once for each table, however often the batch is run."""
        for target, written in progress.written.items():
            if self.has_told(batch, target):
                continue
            origin = self._origin(
                dataset_name=target, flow_name=batch.flow_name, flow_id=batch.flow_id, batch_id=batch.batch_id
            )
            details: dict[str, Any] = {
                "status": "RUNNING",
                "metrics": metrics_of(written, progress, rejected=target != flow.node.name),
            }
            if progress.evidence is not None and target == flow.node.name:
                details["data_quality"] = data_quality(self._suites[target], target, progress.evidence)
            message = f"Flow {batch.flow_name}, batch {batch.batch_id}: {written.rows:,} rows to {target}."
            self._count(origin, message, details, batch, target)

    def _count(self, origin: Origin, message: str, details: dict[str, Any], batch: Batch, target: str) -> None:
        event_id = self.event_id(batch, target)
        self._log.tell(origin, "flow_progress", message, details, level="METRICS", event_id=event_id)
        self._newest_told[batch.flow_id, target] = batch.batch_id

    def listed(self, flow: IngestFlow, seconds: float) -> None:
        """Tell that a landing zone has been listed, and how long that took."""
        details = {
            "type": "AUTO_LOADER_LISTING",
            "status": "COMPLETED",
            "duration_ms": int(seconds * 1000),
            "auto_loader_details": {
                "source_path": str(flow.zone.folder),
                "num_files_listed": flow.files_listed,
            },
        }
        message = f"Flow {flow.node.name} has listed {flow.files_listed:,} files."
        self._log.tell(self._of(flow), "operation_progress", message, details)

    def streamed(self, flow: Flow, progress: Iterable[StreamingQueryProgress]) -> None:
        """Tell what Structured Streaming itself says of the batches of a flow's query."""
        for batch in progress:
            if "addBatch" not in batch.durationMs:
                continue
            details = {"progress_json": batch.json}
            origin = self._of(flow, batch_id=batch.batchId)
            message = f"Flow {flow.node.name}, batch {batch.batchId}: {batch.durationMs['triggerExecution']} ms."
            self._log.tell(origin, "stream_progress", message, details, level="METRICS", maturity_level="EVOLVING")

    def _of(self, flow: Flow, **about: Any) -> Origin:
        name = flow.node.name
        return self._origin(dataset_name=name, flow_name=name, flow_id=flow.position.flow_id(), **about)

    def table_judged(
        self, flow: Flow, table: str, verdicts: Sequence[TableVerdict], error: LakehouseError | None
    ) -> None:
        """Tell how a table as a whole stands to its suite; each verdict counts as one record, an unknown as none."""
        status = "FAILED" if error else "COMPLETED"
        unmet = [verdict.name for verdict in verdicts if not verdict.passed]
        message = f"Table {table} as a whole: {len(verdicts) - len(unmet)} of {len(verdicts)} expectations are met"
        message += f"; not met or not judged: {', '.join(unmet)}." if unmet else "."
        level: Level = "ERROR" if error else "WARN" if unmet else "INFO"
        origin = self._origin(dataset_name=table, flow_name=flow.node.name, flow_id=flow.position.flow_id())
        details = {"status": status, "data_quality": quality_of_table(table, verdicts)}
        self._log.tell(origin, "flow_progress", message, details, level=level, error=error)

    def _origin(self, **about: Any) -> Origin:
        return Origin(self._pipeline_id, self._settings.name, self._update_id, **about)
