from __future__ import annotations

from typing import Any

import pytest

from pipeline.events.event import Event, Origin
from pipeline.events.table_progress import TableProgress
from tests.conftest import NOON


def event(event_type: str, **details: Any) -> Event:
    origin = Origin("p1", "Shop", update_id="u1", dataset_name="orders")
    return Event(origin, event_type, "", "INFO", details, NOON, 1)


def judged(scope: str, passed: int, failed: int) -> TableProgress:
    table = TableProgress("orders")
    rule = {"name": "unique_key", "action": "warn", "scope": scope}
    table.define(event("dataset_definition", dataset_type="STREAMING_TABLE", expectations=[rule]))
    counts = {"name": "unique_key", "passed_records": passed, "failed_records": failed}
    quality = {"dropped_records": 0, "warned_records": 0, "expectations": [counts]}
    table.progress(event("flow_progress", status="COMPLETED", data_quality=quality))
    return table


@pytest.mark.parametrize(
    ("scope", "passed", "failed", "sign", "verdict"),
    [
        pytest.param("row", 1200, 0, "✔", ("1,200", "0"), id="rows_pass"),
        pytest.param("row", 1200, 3, "✘", ("1,200", "3"), id="rows_fail"),
        pytest.param("row", 0, 0, "·", ("0", "0"), id="no_rows"),
        pytest.param("table", 1, 0, "✔", ("met", ""), id="table_passes"),
        pytest.param("table", 0, 1, "✘", ("", "not met"), id="table_fails"),
        pytest.param("table", 0, 0, "·", ("", "not judged"), id="table_unknown"),
    ],
)
def test_verdict_is_in_figures_for_rows_and_in_words_for_a_table(
    scope: str, passed: int, failed: int, sign: str, verdict: tuple[str, str]
) -> None:
    table = judged(scope, passed, failed)
    assert (table.sign("unique_key"), table.verdict("unique_key")) == (sign, verdict)


def test_expectation_without_results_has_no_verdict() -> None:
    assert (TableProgress("orders").sign("x"), TableProgress("orders").verdict("x")) == ("·", ("", ""))


@pytest.mark.parametrize("status", ["FAILED", "SKIPPED"])
def test_failed_table_stays_failed_after_a_table_verdict_until_its_flow_starts_again(status: str) -> None:
    table = TableProgress("orders")
    table.progress(event("flow_progress", status=status))
    table.progress(event("flow_progress", status="COMPLETED"))
    assert table.status == status
    table.progress(event("flow_progress", status="STARTING"))
    table.progress(event("flow_progress", status="COMPLETED"))
    assert table.status == "COMPLETED"


def test_notes_add_up_the_batches_of_an_update() -> None:
    table = TableProgress("orders")
    for files, late in ((2, 0), (3, 1)):
        metrics = {"num_files": files, "num_late_rows": late, "new_columns": {"currency": "landing/b.json"}}
        table.progress(event("flow_progress", status="RUNNING", metrics=metrics))
    assert table.notes == ["5 files", "1 late row", "new column currency (from b.json)"]
