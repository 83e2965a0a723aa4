"""Checks that no row is lost or duplicated: rows in = rows out + dropped, and the event log = the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.page.facts import Check, Conservation, FileCounts

if TYPE_CHECKING:
    from pipeline.events.table_progress import TableProgress

# How tables are kept whose rows are replaced.
_REPLACED = frozenset({"with Spark's state", "by key"})
_IN_PROGRESS = frozenset({"STARTING", "RUNNING"})


def balance(
    table: TableProgress, quarantine: TableProgress | None, source: TableProgress | None, logged: Check | None
) -> Conservation | None:
    """Return a table's balance in one update, or None if nothing can be checked.

    Args:
        table: The table.
        quarantine: The table that holds its rejected rows, or None.
        source: The table whose rejected rows it holds, or None.
        logged: The comparison of the event log's total with the table's rows, or None if they were not compared.
    """
    if table.status == "QUEUED":
        return None
    # Where rows are replaced, a batch writes what it has changed, not what it has read.
    is_stream = table.kind != "materialized_view" and table.status != "EXCLUDED" and table.kept not in _REPLACED
    checks = [_flow(table, quarantine)] if is_stream else []
    if source is not None and is_stream:
        checks = [_equal(table.rows_written, source.rows_dropped, "rejected", "dropped upstream")]
    checks += [logged] if logged else []
    if not checks:
        return None
    if table.status in _IN_PROGRESS:
        return Conservation(
            state="open", text=f"in progress: {table.rows_in:,} in, {table.rows_written + table.rows_dropped:,} out"
        )
    if table.status in {"FAILED", "SKIPPED", "STOPPED"} and not any(check.state == "broken" for check in checks):
        return Conservation(state="open", text="waiting for the next update", checks=checks)
    worst = next((check for check in checks if check.state == "broken"), checks[0])
    return Conservation(state=worst.state, text=worst.text, checks=[check for check in checks if check is not worst])


def log_check(logged: int, stored: int) -> Check:
    """Return whether the event log's total for a table equals the table's row count."""
    if logged == stored:
        return Check(state="holds", text=f"log: {logged:,} rows = table: {stored:,} rows")
    return Check(state="broken", text=f"log: {logged:,} rows ≠ table: {stored:,} rows")


def files_balance(counts: FileCounts, stored: int) -> Conservation:
    """Return whether a table has as many rows as its files had records."""
    check = _equal(counts.rows, stored, "in files", "in the table")
    return Conservation(state=check.state, text=check.text)


def _flow(table: TableProgress, quarantine: TableProgress | None) -> Check:
    out = table.rows_written + table.rows_dropped
    parts = f"{table.rows_written:,} out"
    if quarantine is not None:
        out = table.rows_written + quarantine.rows_written
        parts += f" + {quarantine.rows_written:,} quarantined"
    elif table.rows_dropped:
        parts += f" + {table.rows_dropped:,} dropped"
    if out == table.rows_in:
        return Check(state="holds", text=f"{table.rows_in:,} in = {parts}")
    return Check(state="broken", text=f"{table.rows_in:,} in ≠ {parts}")


def _equal(left: int, right: int, of_left: str, of_right: str) -> Check:
    if left == right:
        return Check(state="holds", text=f"{left:,} {of_left} = {right:,} {of_right}")
    return Check(state="broken", text=f"{left:,} {of_left} ≠ {right:,} {of_right}")
