"""What the event log says that the tables hold."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.arrow import arrow_dataset

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass
class Record:
    """Rows and batches on record, by table.

    Attributes:
        rows: For each table, rows written less rows deleted.
        told: For each flow's identity and table, the newest batch on record.
        told_with_rows: The same, for batches that wrote rows.
    """

    rows: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    told: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(lambda: -1))
    told_with_rows: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(lambda: -1))

    def has_rows_of(self, table: str) -> bool:
        """Tell whether rows of a table were ever written."""
        return any(name == table and batch >= 0 for (_, name), batch in self.told_with_rows.items())


def on_record(log: DeltaTable | None) -> Record:
    """Return what an event log's table tells of rows; an empty record where there is none yet."""
    record = Record()
    if log is None:
        return record
    counted = (pc.field("event_type") == "flow_progress") & (pc.field("level") == "METRICS")
    for event in arrow_dataset(log).to_table(["origin", "details"], filter=counted).to_pylist():
        origin, metrics = event["origin"], json.loads(event["details"])["flow_progress"].get("metrics", {})
        written = metrics.get("num_output_rows", 0)
        record.rows[origin["dataset_name"]] += written - metrics.get("num_deleted_rows", 0)
        if origin["flow_id"] is not None and origin["batch_id"] is not None:
            key = (origin["flow_id"], origin["dataset_name"])
            record.told[key] = max(record.told[key], origin["batch_id"])
            if written:
                record.told_with_rows[key] = max(record.told_with_rows[key], origin["batch_id"])
    return record
