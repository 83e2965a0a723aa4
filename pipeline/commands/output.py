"""What the commands of every program print: JSON for programs, tables for people."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pipeline.drawing.terminal import open_console
from pipeline.foundation.shown import say, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    Cell = str | int | datetime | Text | None


def print_json(facts: Any) -> None:
    """Print facts as JSON; a value that JSON has no form for is printed as text."""
    say(json.dumps(facts, indent=2, default=str))


def print_table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, unbroken: Collection[str] = ()
) -> None:
    """Print a table.

    Args:
        title: The line above the table, or nothing.
        headings: The columns' headings.
        rows: The cells of each row. Numbers are aligned to the right, times are printed in UTC, None is empty, and
            text is printed escaped and without markup.
        unbroken: The headings of further columns, besides numbers and times, whose text is not wrapped.
    """
    cells = list(rows)
    table = Table(title=Text(shown(title)) if title else None, title_justify="left", header_style="bold")
    for index, heading in enumerate(headings):
        kinds = {type(row[index]) for row in cells}
        table.add_column(
            Text(shown(heading)),
            justify="right" if int in kinds else "left",
            no_wrap=bool(kinds & {int, datetime}) or heading in unbroken,
            overflow="fold",
        )
    for row in cells:
        table.add_row(*(_shown(cell) for cell in row))
    open_console().print(table)


def count_of(number: int, one: str, many: str = "") -> str:
    """Return a number with its unit, such as `1 file` or `1,234 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _shown(cell: Cell) -> Text:
    if isinstance(cell, Text):
        return cell
    if isinstance(cell, datetime):
        return Text(f"{cell:%Y-%m-%d %H:%M:%S}")
    return Text(f"{cell:,}" if isinstance(cell, int) else shown(cell or "", lines=True))
