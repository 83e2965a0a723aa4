"""What judging rows has shown, read back from the event log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from deltalake import DeltaTable

from pipeline.arrow import arrow_dataset
from pipeline.tables import Table

if TYPE_CHECKING:
    from pathlib import Path


def newest_evidence(event_log: Path, tables: set[str]) -> dict[str, dict[str, Any]]:
    """Return, by table, the newest counts of its rules over the rows of a batch.

    Each has `table`, `judged_at` (ISO 8601) and `data_quality`, as the log has it.
    """
    if not Table(event_log).exists:
        return {}
    wanted = (pc.field("event_type") == "flow_progress") & pc.field("level").isin(["METRICS", "ERROR"])
    columns = ["sequence", "timestamp", "origin", "details"]
    events = arrow_dataset(DeltaTable(event_log)).to_table(columns, filter=wanted).to_pylist()
    newest: dict[str, dict[str, Any]] = {}
    for event in sorted(events, key=lambda row: int(row["sequence"])):
        quality = json.loads(event["details"])["flow_progress"].get("data_quality", {})
        table = event["origin"]["dataset_name"]
        if table in tables and any(item.get("scope") == "row" for item in quality.get("expectations", ())):
            newest[table] = {"table": table, "judged_at": event["timestamp"].isoformat(), "data_quality": quality}
    return newest
