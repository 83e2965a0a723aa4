"""An update's graph in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from pipeline.drawing.diagram import diagram_of
from pipeline.drawing.marks import QUIET, RUNNING, lasted, mark_of, turning
from pipeline.drawing.rails import Station, stations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.console import ConsoleOptions, RenderResult

    from pipeline.summary import Summary

_HEADINGS = ("state", "in", "written", "dropped", "warned", "time")
_GAP = 2
# A name is cut before its numbers are pushed off the screen.
_SHORTEST_NAME = 24
_WIDEST = 10_000


@dataclass(frozen=True)
class TerminalGraph:
    """Draws itself as wide as the console is: every table on its rail, with state, counts and expectations.

    Attributes:
        now: What a flow that still runs is timed against.
    """

    summary: Summary
    now: datetime

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines."""
        places = list(stations(diagram_of(self.summary)))
        yield self._title()
        if not places:
            return
        rows = [self._cells(place) for place in places]
        widths = [max(len(heading), *(len(row[i]) for row in rows)) for i, heading in enumerate(_HEADINGS)]
        names = [self._name(place) for place in places]
        widest = max(name.cell_len for name in names)
        shown = list(range(len(_HEADINGS)))
        if widest + sum(widths) + _GAP * len(shown) > options.max_width:
            # The sign before the name says it too.
            shown.remove(0)
        room = options.max_width - sum(widths[i] + _GAP for i in shown)
        width = max(min(widest, room), _SHORTEST_NAME)
        lines = [_row(Text("", "dim"), [Text(heading, "dim") for heading in _HEADINGS], width, widths, shown)]
        lines_of_each = [list(self._details(place, options.max_width)) for place in places]
        is_short = len(places) + sum(map(len, lines_of_each)) + 3 <= console.height or not console.is_terminal
        for place, name, row, details in zip(places, names, rows, lines_of_each, strict=True):
            lines.append(_row(name, [Text(cell, _style(place, i)) for i, cell in enumerate(row)], width, widths, shown))
            lines += [line for line, matters in details if matters or is_short]
        yield Group(*lines)

    def _title(self) -> Text:
        summary = self.summary
        mark = mark_of(summary.state)
        took = summary.duration(self.now)
        sign = mark.sign if summary.has_ended or took is None else turning(took.total_seconds())
        title = Text(f"{sign} {summary.state}", mark.style)
        title.append(f"  update {summary.update_id[:8]}" if summary.update_id else "  update", "bold")
        return title.append(f" of {summary.pipeline}  " if summary.pipeline else "  ").append(lasted(took))

    def _name(self, place: Station) -> Text:
        text = Text(place.lead, "dim")
        table = place.box.table
        if table is None:
            return text.append(place.box.name, "italic")
        mark = mark_of(table.status)
        seconds = table.seconds(self.now)
        sign = turning(seconds) if table.status in RUNNING and seconds is not None else mark.sign
        return text.append(f"{sign} ", mark.style).append(place.box.name, "bold" if table.status in RUNNING else "")

    def _cells(self, place: Station) -> list[str]:
        table = place.box.table
        if table is None or table.kind == "temporary_view":
            return [""] * len(_HEADINGS)
        seconds = table.seconds(self.now)
        counts = (table.rows_in, table.rows_written, table.rows_dropped, table.rows_warned)
        has_begun = seconds is not None or any(counts)
        numbers = [f"{count:,}" if has_begun else "" for count in counts]
        return [table.status, *numbers, "" if seconds is None else lasted(timedelta(seconds=seconds))]

    def _details(self, place: Station, width: int) -> Iterator[tuple[Text, bool]]:
        """Yield the further lines of a box, each with whether it is shown where room is scarce."""
        table = place.box.table
        if table is None:
            return
        texts: list[tuple[str, str, bool]] = []
        if place.others:
            texts.append((f"also from {', '.join(place.others)}", "dim", True))
        if table.notes:
            texts.append((" · ".join(table.notes), "dim", True))
        lead = f"{place.below}  "
        if table.error:
            texts += [(line, "red", True) for line in wrap(table.error, max(width - len(lead), _SHORTEST_NAME))]
        longest = max(map(len, table.actions), default=0)
        for rule, action in table.actions.items():
            passed, failed = table.verdict(rule)
            if rule in table.of_table:
                counts = f"  {passed}{failed} by the table as a whole" if passed or failed else ""
            else:
                counts = f"  {passed:>7} passed {failed:>7} failed" if passed else ""
            line = f"{table.sign(rule)} {rule:<{longest}}  {action}{counts}"
            has_failed = bool(table.failed.get(rule))
            texts.append((line, "yellow" if has_failed else "dim", has_failed))
        for text, style, matters in texts:
            drawn = Text(lead, "dim").append(text, style)
            drawn.truncate(width, overflow="ellipsis")
            yield drawn, matters


def _style(place: Station, column: int) -> str:
    table = place.box.table
    if table is None:
        return ""
    counts = {3: table.rows_dropped, 4: table.rows_warned}
    if column == 0:
        return mark_of(table.status).style
    if column in counts:
        return "yellow" if counts[column] else "dim"
    return "" if table.status in QUIET else mark_of(table.status).style


def _row(name: Text, cells: list[Text], width: int, widths: list[int], shown: list[int]) -> Text:
    name.truncate(width, overflow="ellipsis", pad=True)
    for index in shown:
        cell = cells[index]
        cell.align("left" if index == 0 else "right", widths[index])
        name.append(" " * _GAP).append_text(cell)
    return name


def plain_text(summary: Summary, now: datetime) -> str:
    """Return the graph as text without colours, as wide as it needs to be."""
    console = Console(file=StringIO(), width=_WIDEST, color_system=None)
    with console.capture() as captured:
        console.print(TerminalGraph(summary, now))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
