"""A node that loses or doubles a row says so."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.page.conservation import balance, files_balance, ledger
from pipeline.page.facts import FileCounts
from pipeline.table_progress import TableProgress


def table(name: str = "clean", status: str = "COMPLETED", **figures: Any) -> TableProgress:
    return TableProgress(name, kind=figures.pop("kind", "streaming_table"), status=status, **figures)


@pytest.mark.parametrize(
    ("figures", "state", "text"),
    [
        ({"rows_in": 10, "rows_written": 10}, "holds", "10 in = 10 out"),
        ({"rows_in": 10, "rows_written": 9}, "broken", "10 in ≠ 9 out"),
        ({"rows_in": 10, "rows_written": 11}, "broken", "10 in ≠ 11 out"),
        ({"rows_in": 1000, "rows_written": 997, "rows_dropped": 3}, "holds", "1,000 in = 997 out + 3 dropped"),
        ({"rows_in": 0, "rows_written": 0}, "holds", "0 in = 0 out"),
    ],
)
def test_table_holds_when_rows_in_are_rows_out_and_dropped(figures: dict[str, Any], state: str, text: str) -> None:
    found = balance(table(**figures), None, None, None)
    assert found is not None
    assert (found.state, found.text) == (state, text)


def test_dropped_rows_that_did_not_reach_the_quarantine_are_missed_on_both_sides() -> None:
    clean = table(rows_in=10, rows_written=8, rows_dropped=2)
    quarantine = table("rejected", rows_in=1, rows_written=1, quarantine_of="clean")
    found = balance(clean, quarantine, None, None)
    assert found is not None
    assert (found.state, found.text) == ("broken", "10 in ≠ 8 out + 1 quarantined")
    found = balance(quarantine, None, clean, None)
    assert found is not None
    assert (found.state, found.text) == ("broken", "1 rejected ≠ 2 dropped upstream")


def test_log_that_differs_from_the_table_comes_first_whatever_the_flow_says() -> None:
    found = balance(table(rows_in=3, rows_written=3), None, None, ledger(13, 3, 9))
    assert found is not None
    assert (found.state, found.text) == ("broken", "log: 10 rows ≠ table: 9 rows")
    assert [(check.state, check.text) for check in found.checks] == [("holds", "3 in = 3 out")]
    assert ledger(13, 3, 10).state == "holds"


def test_view_is_held_against_its_table_alone() -> None:
    view = table(kind="materialized_view", rows_in=495, rows_written=15)
    assert balance(view, None, None, None) is None
    found = balance(view, None, None, ledger(15, 0, 15))
    assert found is not None
    assert (found.state, found.text) == ("holds", "log: 15 rows = table: 15 rows")


@pytest.mark.parametrize(
    ("status", "text"),
    [("RUNNING", "under way: 10 in, 4 out"), ("FAILED", "waits for the next update")],
)
def test_balance_of_a_flow_that_has_not_come_to_its_end_is_open(status: str, text: str) -> None:
    rows_out = 4 if status == "RUNNING" else 10
    found = balance(table(status=status, rows_in=10, rows_written=rows_out), None, None, None)
    assert found is not None
    assert (found.state, found.text) == ("open", text)


def test_rows_that_files_brought_are_held_against_the_table() -> None:
    counts = FileCounts(listed=2, ingested=2, rows=7)
    assert (files_balance(counts, 7).state, files_balance(counts, 6).text) == (
        "holds",
        "7 in files ≠ 6 in the table",
    )


def test_flow_that_waits_or_was_not_asked_for_claims_nothing() -> None:
    assert balance(table(status="QUEUED"), None, None, ledger(3, 0, 3)) is None
    found = balance(table(status="EXCLUDED"), None, None, ledger(3, 0, 3))
    assert found is not None
    assert found.text == "log: 3 rows = table: 3 rows"
