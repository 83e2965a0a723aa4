"""Writes an event log as an update does, without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.events.event import Origin
from pipeline.events.log import EventLog

if TYPE_CHECKING:
    from pipeline.events.event import Event
    from pipeline.foundation.clock import Clock
    from pipeline.home.places import Home

SCHEMA = "shop"


class LogWriter:
    """Tells of updates over two tables: `orders`, filled from files, and `paid_orders`, which drops and warns."""

    def __init__(self, home: Home, clock: Clock, schema: str = SCHEMA) -> None:
        self.log = EventLog(home.schema(schema).event_log, clock)

    def emit(self, update: str, event_type: str, table: str | None = None, /, **details: Any) -> Event:
        error, level = details.pop("error", None), details.pop("level", "INFO")
        origin = Origin("p1", "Shop", update_id=update, dataset_name=table, flow_name=table)
        message = f"{event_type} of {table or update}"
        return self.log.emit(origin, event_type, message, details, level=level, error=error)

    def begin(self, update: str) -> None:
        """Tell everything up to the first flow."""
        self.emit(update, "create_update", cause="USER_ACTION", run_as="mira", full_refresh=False)
        self.emit(update, "update_progress", state="INITIALIZING")
        rules = [
            {"name": "known_customer", "action": "drop", "why": "Nobody pays."},
            {"name": "small", "action": "warn"},
        ]
        self.emit(update, "dataset_definition", "orders", dataset_type="STREAMING_TABLE", expectations=[])
        self.emit(update, "dataset_definition", "paid_orders", dataset_type="STREAMING_TABLE", expectations=rules)
        self.emit(update, "flow_definition", "orders", input_files=["landing/orders"], input_datasets=[])
        self.emit(update, "flow_definition", "paid_orders", input_files=[], input_datasets=["orders"])
        self.emit(update, "update_progress", state="RUNNING")
        for table in ("orders", "paid_orders"):
            self.emit(update, "flow_progress", table, status="QUEUED")

    def orders(self, update: str, rows: int, status: str = "COMPLETED") -> None:
        """Tell of a batch of the first flow, and how the flow ended."""
        metrics = {"num_input_rows": rows, "num_output_rows": rows, "num_deleted_rows": 0, "num_files": 1}
        self.emit(update, "flow_progress", "orders", status="STARTING")
        self.emit(update, "flow_progress", "orders", status="RUNNING", metrics=metrics, level="METRICS")
        if status != "RUNNING":
            self.emit(update, "flow_progress", "orders", status=status)

    def paid_orders(self, update: str, rows: int, dropped: int = 0, warned: int = 0) -> None:
        """Tell of a batch of the second flow, and that the flow is done."""
        metrics = {"num_input_rows": rows, "num_output_rows": rows - dropped, "num_deleted_rows": 0}
        failed = {"known_customer": dropped, "small": warned}
        expectations = [
            {"name": name, "passed_records": rows - count, "failed_records": count} for name, count in failed.items()
        ]
        quality = {"dropped_records": dropped, "warned_records": warned, "expectations": expectations}
        self.emit(update, "flow_progress", "paid_orders", status="STARTING")
        self.emit(
            update, "flow_progress", "paid_orders",
            status="RUNNING", metrics=metrics, data_quality=quality, level="METRICS",
        )  # fmt: skip
        self.emit(update, "flow_progress", "paid_orders", status="COMPLETED")

    def end(self, update: str, state: str = "COMPLETED") -> None:
        """Emit the end of an update, and flush."""
        self.emit(update, "update_progress", state=state)
        self.log.flush()

    def whole(self, update: str, rows: int, dropped: int = 0, warned: int = 0) -> None:
        """Tell of an update from its beginning to its end."""
        self.begin(update)
        self.orders(update, rows)
        self.paid_orders(update, rows, dropped, warned)
        self.end(update)
