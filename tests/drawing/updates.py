"""Summaries of updates to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.events.event import Event, Origin
from pipeline.events.summary import Summary
from tests.conftest import NOON

if TYPE_CHECKING:
    from datetime import timedelta


class Story:
    """An update over `orders`, `paid_orders` with its quarantine `refused_orders`, and `revenue` of both."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.now = NOON
        self.emit("create_update", cause="USER_ACTION", run_as="mira")
        rules = [{"name": "known_customer", "action": "drop"}, {"name": "small", "action": "warn"}]
        self._define("orders", files=["landing/orders"])
        self._define("paid_orders", ["orders"], rules)
        self._define("refused_orders", ["paid_orders"], quarantine_of="paid_orders")
        self._define("revenue", ["orders", "paid_orders"], kind="MATERIALIZED_VIEW")
        self.emit("update_progress", state="RUNNING")

    def emit(self, event_type: str, table: str | None = None, /, **details: Any) -> None:
        error = details.pop("error", None)
        origin = Origin("p1", "Shop", update_id="0a1b2c3d-u", dataset_name=table)
        self.summary.take(Event(origin, event_type, "", "INFO", details, self.now, 1, error=error))

    def _define(self, table: str, inputs: Any = (), rules: Any = (), files: Any = (), **more: Any) -> None:
        kind = more.pop("kind", "STREAMING_TABLE")
        self.emit("dataset_definition", table, dataset_type=kind, expectations=list(rules))
        self.emit("flow_definition", table, input_datasets=list(inputs), input_files=list(files), **more)
        self.emit("flow_progress", table, status="QUEUED")

    def begin(self, table: str) -> None:
        self.emit("flow_progress", table, status="STARTING")

    def batch(self, table: str, rows: int, dropped: int = 0, warned: int = 0, **facts: Any) -> None:
        metrics = {"num_input_rows": rows, "num_output_rows": rows - dropped, "num_deleted_rows": 0, **facts}
        expectations = [
            {"name": name, "passed_records": rows - count, "failed_records": count}
            for name, count in (("known_customer", dropped), ("small", warned))
            if dropped or warned
        ]
        quality = {"dropped_records": dropped, "warned_records": warned, "expectations": expectations}
        self.emit("flow_progress", table, status="RUNNING", metrics=metrics, data_quality=quality)

    def wait(self, time: timedelta) -> None:
        self.now += time

    def end(self, table: str, status: str = "COMPLETED", error: Exception | None = None) -> None:
        self.emit("flow_progress", table, status=status, error=error)
