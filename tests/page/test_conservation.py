"""A node that loses or doubles a row says so."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.events.table_progress import TableProgress
from pipeline.page.conservation import balance, files_balance, log_check
from pipeline.page.facts import FileCounts


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
def test_table_balance_holds_if_rows_in_equal_rows_out_and_dropped(
    figures: dict[str, Any], state: str, text: str
) -> None:
    found = balance(table(**figures), None, None, None)
    assert found is not None
    assert (found.state, found.text) == (state, text)


def test_dropped_rows_missing_from_the_quarantine_break_both_balances() -> None:
    clean = table(rows_in=10, rows_written=8, rows_dropped=2)
    quarantine = table("rejected", rows_in=1, rows_written=1, quarantine_of="clean")
    found = balance(clean, quarantine, None, None)
    assert found is not None
    assert (found.state, found.text) == ("broken", "10 in ≠ 8 out + 1 quarantined")
    found = balance(quarantine, None, clean, None)
    assert found is not None
    assert (found.state, found.text) == ("broken", "1 rejected ≠ 2 dropped upstream")


def test_difference_between_log_and_table_is_shown_before_the_flow_check() -> None:
    found = balance(table(rows_in=3, rows_written=3), None, None, log_check(10, 9))
    assert found is not None
    assert (found.state, found.text) == ("broken", "log: 10 rows ≠ table: 9 rows")
    assert [(check.state, check.text) for check in found.checks] == [("holds", "3 in = 3 out")]
    assert log_check(10, 10).state == "holds"


def test_view_is_compared_with_its_table_only() -> None:
    view = table(kind="materialized_view", rows_in=495, rows_written=15)
    assert balance(view, None, None, None) is None
    found = balance(view, None, None, log_check(15, 15))
    assert found is not None
    assert (found.state, found.text) == ("holds", "log: 15 rows = table: 15 rows")


@pytest.mark.parametrize(
    ("status", "text"),
    [("RUNNING", "in progress: 10 in, 4 out"), ("FAILED", "waiting for the next update")],
)
def test_balance_of_an_unfinished_flow_is_open(status: str, text: str) -> None:
    rows_out = 4 if status == "RUNNING" else 10
    found = balance(table(status=status, rows_in=10, rows_written=rows_out), None, None, None)
    assert found is not None
    assert (found.state, found.text) == ("open", text)


def test_records_in_files_are_compared_with_the_table() -> None:
    counts = FileCounts(listed=2, ingested=2, rows=7)
    assert (files_balance(counts, 7).state, files_balance(counts, 6).text) == (
        "holds",
        "7 in files ≠ 6 in the table",
    )


def test_queued_or_excluded_flow_is_not_checked() -> None:
    assert balance(table(status="QUEUED"), None, None, log_check(3, 3)) is None
    found = balance(table(status="EXCLUDED"), None, None, log_check(3, 3))
    assert found is not None
    assert found.text == "log: 3 rows = table: 3 rows"
