"""Quarantined rows, read without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable

from pipeline.arrow import arrow_dataset
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.graph import load_declarations
from pipeline.tables import Table

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.settings import Settings


def quarantine_of(settings: Settings, name: str | None) -> str:
    """Return the pipeline's only quarantine, or the one of a name.

    Raises:
        AuthorError: There is none, none of that name, or no name where there are several.
    """
    declared = load_declarations(settings.source).datasets.values()
    known = [dataset.quarantine for dataset in declared if dataset.quarantine]
    if name is not None and name not in known:
        raise UnknownNameError("quarantine", name, known, str(settings.source))
    if name is None and len(known) != 1:
        problem = f"{settings.source} declares {len(known)} quarantines: {', '.join(known) or 'none'}."
        raise AuthorError(problem, "Name one of them with --table.")
    return name or known[0]


def rejected_rows(path: Path, *, rules: Collection[str] = (), record_ids: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return a quarantine's rows as dictionaries, newest first.

    Args:
        path: The table.
        rules: Only rows that violate one of these; empty for all.
        record_ids: Only these rows; empty for all.
    """
    if not Table(path).exists:
        return []
    table = arrow_dataset(DeltaTable(path)).to_table()
    rows = [
        row
        for row in table.to_pylist()
        if (not rules or set(rules) & set(row["failed_expectations"]))
        and (not record_ids or row["record_id"] in record_ids)
    ]
    return sorted(rows, key=lambda row: (row["quarantined_at"], str(row.get("record_id"))), reverse=True)
