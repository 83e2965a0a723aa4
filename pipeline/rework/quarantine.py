"""Quarantined rows, read without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.delta.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def rejected_rows(path: Path, *, rules: Collection[str] = (), record_ids: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return a quarantine's rows as dictionaries, newest first.

    Args:
        path: The table.
        rules: Only rows that violate one of these; empty for all.
        record_ids: Only these rows; empty for all.
    """
    if not Table(path).exists:
        return []
    table = Table(path).rows()
    rows = [
        row
        for row in table.to_pylist()
        if (not rules or set(rules) & set(row["failed_expectations"]))
        and (not record_ids or row.get("record_id") in record_ids)
    ]
    rows.sort(key=lambda row: (str(row.get("record_id")), row.get("record_row") or 0))
    return sorted(rows, key=lambda row: row["quarantined_at"], reverse=True)
