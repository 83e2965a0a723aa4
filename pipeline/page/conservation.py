"""Whether a node has lost or doubled rows: rows in = rows out + dropped, and the log = the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.page.facts import Check, Conservation, FileCounts

if TYPE_CHECKING:
    from pipeline.table_progress import TableProgress

_UNDER_WAY = frozenset({"STARTING", "RUNNING"})


def balance(
    table: TableProgress, quarantine: TableProgress | None, source: TableProgress | None, ledger: Check | None
) -> Conservation | None:
    """Return a table's balance in one update.

    Args:
        table: The table.
        quarantine: The table that takes its rejected rows, or None.
        source: The table whose rejected rows it takes, or None.
        ledger: What comparing the log's sum with the table's rows showed, or None where they were not compared.
    """
    if table.status == "QUEUED":
        return None
    moves = table.kind != "materialized_view" and table.status != "EXCLUDED"
    checks = [_flow(table, quarantine)] if moves else []
    if source is not None and moves:
        checks = [_equal(table.rows_written, source.rows_dropped, "rejected", "dropped upstream")]
    checks += [ledger] if ledger else []
    if not checks:
        return None
    if table.status in _UNDER_WAY:
        return Conservation(
            state="open", text=f"under way: {table.rows_in:,} in, {table.rows_written + table.rows_dropped:,} out"
        )
    if table.status in {"FAILED", "SKIPPED", "STOPPED"} and not any(check.state == "broken" for check in checks):
        return Conservation(state="open", text="waits for the next update", checks=checks)
    worst = next((check for check in checks if check.state == "broken"), checks[0])
    return Conservation(state=worst.state, text=worst.text, checks=[check for check in checks if check is not worst])


def ledger(written: int, deleted: int, held: int) -> Check:
    """Return whether the log's sum for a table equals the rows that it holds."""
    logged = written - deleted
    if logged == held:
        return Check(state="holds", text=f"log: {logged:,} rows = table: {held:,} rows")
    return Check(state="broken", text=f"log: {logged:,} rows ≠ table: {held:,} rows")


def files_balance(counts: FileCounts, held: int) -> Conservation:
    """Return whether a table holds as many rows as its files have brought."""
    check = _equal(counts.rows, held, "in files", "in the table")
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
