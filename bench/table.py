"""The results as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


def results_table(facts: Sequence[dict[str, Any]]) -> Table:
    """Return one row for each result: ours, the rival's, the ratio and whether the target is met."""
    table = Table(header_style="bold")
    for heading in ("measurement", "ours", "rival", "its", "ratio", "target", ""):
        table.add_column(heading, justify="left" if heading in {"measurement", "rival", ""} else "right")
    for fact in facts:
        table.add_row(
            fact["name"],
            _number(fact["ours_seconds"]),
            fact["rival"] or "",
            _number(fact["rival_seconds"]),
            _number(fact["ratio"]),
            "" if fact["target"] is None else f"≤ {fact['target']:g}",
            {True: "[green]✔ met[/]", False: "[red]✖ missed[/]", None: "[dim]reported[/]"}[fact["met"]],
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
