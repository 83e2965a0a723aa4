"""Data Docs: Great Expectations' pages from the last verdicts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.commands.app import app
from pipeline.events.event import Origin
from pipeline.events.log import EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.command_line import run_command
from pipeline.home.places import Home

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def result(kind: str, name: str, *, success: bool, **found: Any) -> dict[str, Any]:
    return {
        "success": success,
        "expectation_config": {"type": kind, "kwargs": {"min_value": 1}, "meta": {"name": name}},
        "result": found,
        "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
        "meta": {},
    }


def test_data_docs_show_the_latest_results_for_tables_and_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, clock = Home(tmp_path / "home"), FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
    command = ["data-docs", "--home", str(home.root)]
    assert run_command(app, "python -m pipeline", command) == 1
    assert "No table has been judged yet." in capsys.readouterr().err

    last = home.state / "validations" / "smart_factory" / "bronze_sensor_readings" / "last.json"
    last.parent.mkdir(parents=True)
    rows = result("expect_table_row_count_to_be_between", "not_empty", success=True, observed_value=4711)
    content = {
        "suite": "bronze_sensor_readings",
        "judged_at": "2026-03-01T12:00:00+00:00",
        "document": {"results": [rows]},
    }
    last.write_text(json.dumps(content))
    log = EventLog(home.schema("smart_factory").event_log, clock)
    item = {"name": "high_temperature", "dataset": "silver_cleaned_sensors", "action": "warn", "scope": "row"}
    quality = {"expectations": [{**item, "passed_records": 75, "failed_records": 25}]}
    origin = Origin("p", "P", dataset_name="silver_cleaned_sensors")
    log.emit(origin, "flow_progress", "", {"status": "RUNNING", "data_quality": quality}, level="METRICS")
    log.flush()

    assert run_command(app, "python -m pipeline", command) == 0
    site = home.state / "data_docs" / "smart_factory"
    assert capsys.readouterr().out == f"Data Docs: {(site / 'index.html').as_uri()}\n"
    pages = {page.stem: page.read_text() for page in (site / "validations").rglob("*.html")}
    assert set(pages) == {"bronze_sensor_readings", "silver_cleaned_sensors"}
    assert "4,711" in pages["bronze_sensor_readings"] or "4711" in pages["bronze_sensor_readings"]
    assert "25% unexpected" in pages["silver_cleaned_sensors"]
    index = (site / "index.html").read_text()
    assert all(f"{name}.html" in index for name in pages)
