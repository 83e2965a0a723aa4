"""A lakehouse whose event log has three updates, without Spark and without tables."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.drawing.diagram import diagram_facts
from pipeline.events.history import Record
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import AuthorError
from pipeline.home.lock import exclusive
from pipeline.home.places import Home
from pipeline.page.graph import GraphReader
from pipeline.page.table import TableReader
from pipeline.settings import load_settings
from tests.conftest import NOON
from tests.events.log_writer import SCHEMA, LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

DECLARATIONS = """from pipeline import read_files, read_stream, table


@table
def orders():
    return read_files("orders")


@table
def paid_orders():
    return read_stream("orders")
"""


@dataclass
class Shop:
    home: Home
    settings: Settings
    clock: FixedClock

    def document(self, name: str) -> Any:
        """Return a document as a program that asks for it reads it."""
        reader = GraphReader(self.home, self.settings, self.clock)
        record = Record(self.home, SCHEMA)
        found: Any
        if name == "history":
            found = [update.record() for update in record.updates()]
        elif name == "page updates":
            found = [update.model_dump(mode="json") for update in reader.updates()]
        elif name.startswith("page table "):
            found = TableReader(reader).facts(name.rsplit(maxsplit=1)[-1]).model_dump(mode="json")
        elif name == "page graph":
            found = self.graph()
        elif name == "page graph while the newest update begins":
            with exclusive(self.home, self.clock, "update third"):
                found = self.graph()
        else:
            *kind, update = name.split()
            summary = record.update(update)
            assert summary is not None
            if kind == ["run"]:
                found = {name: table.figures() for name, table in summary.tables.items()}
            elif kind == ["graph"]:
                found = diagram_facts(summary)
            elif kind == ["page", "graph"]:
                found = self.graph(update)
            else:
                whole = reader.update(update)
                assert whole is not None
                found = whole.model_dump(mode="json")
        # Places differ from run to run.
        text = json.dumps(found).replace(str(self.home.root), "<home>").replace(str(self.settings.source), "<source>")
        return json.loads(text)

    def graph(self, update: str | None = None) -> Any:
        return GraphReader(self.home, self.settings, self.clock).graph(update).model_dump(mode="json")


def open_shop(tmp_path: Path) -> Shop:
    """Return a lakehouse with three updates: a whole one, one whose first flow failed, and one that runs."""
    home, clock = Home(tmp_path / "a home"), FixedClock(NOON)
    (tmp_path / "shop.py").write_text(DECLARATIONS)
    (tmp_path / "shop.yml").write_text(f"name: Shop\nschema: {SCHEMA}\nsource: shop.py\nexpectations: suites\n")
    settings = load_settings(tmp_path / "shop.yml")
    (home.landing / "orders").mkdir(parents=True)
    (home.landing / "orders" / "a.json").write_text('{"id": 1}')
    os.utime(home.landing / "orders" / "a.json", (NOON.timestamp(), NOON.timestamp()))
    writer = LogWriter(home, clock)
    writer.whole("first", 10, dropped=2, warned=3)
    clock.advance(timedelta(minutes=5))
    writer.begin("second")
    writer.emit(
        "second", "dataset_definition", "rejected",
        dataset_type="STREAMING_TABLE",
        expectations=[{"name": "few", "action": "fail", "why": "Many are a fault.", "scope": "table"}],
    )  # fmt: skip
    writer.emit(
        "second", "flow_definition", "rejected",
        input_files=[], input_datasets=["paid_orders"], quarantine_of="paid_orders",
        comment="Orders that nobody pays.", location=f"{tmp_path / 'shop.py'}:4", schema="STRUCT<id: BIGINT>",
        kept="by batch", kept_because="A flow fills it.",
    )  # fmt: skip
    clock.advance(timedelta(seconds=7))
    metrics = {
        "num_input_rows": 4, "num_output_rows": 4, "num_deleted_rows": 1, "num_files": 2, "num_late_rows": 1,
        "new_columns": {"currency": "landing/orders/b.json"},
    }  # fmt: skip
    writer.emit("second", "flow_progress", "orders", status="STARTING")
    writer.emit("second", "flow_progress", "orders", status="RUNNING", metrics=metrics, level="METRICS")
    clock.advance(timedelta(seconds=2))
    error = AuthorError("The disk is full.", "Free some.")
    writer.emit("second", "flow_progress", "orders", status="FAILED", error=error, level="ERROR")
    writer.emit("second", "flow_progress", "paid_orders", status="SKIPPED", level="WARN")
    writer.emit("second", "flow_progress", "rejected", status="EXCLUDED")
    writer.emit("second", "update_progress", state="FAILED", error=error, level="ERROR")
    writer.log.flush()
    clock.advance(timedelta(minutes=1))
    writer.emit(
        "third", "create_update", cause="JOB_TASK", run_as="mira", full_refresh=True, refresh_selection=["orders"]
    )
    writer.log.flush()
    return Shop(home, settings, clock)
