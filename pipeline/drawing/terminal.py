"""An update's graph in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from pipeline.drawing.diagram import Station, diagram_of, stations
from pipeline.drawing.marks import QUIET, RUNNING, lasted, mark_of, turning
from pipeline.foundation.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.events.summary import Summary

_HEADINGS = ("state", "in", "written", "dropped", "warned", "time")
_GAP = 2
# A name is cut before its numbers are pushed off the screen.
_MIN_NAME_WIDTH = 24
_MAX_WIDTH = 10_000


@dataclass(frozen=True)
class TerminalGraph:
    """Draws itself as wide as the console: an indented list of tables with state, counts and expectations.

    Attributes:
        now: Up to when the time of running flows counts.
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
            # The sign before the name shows the state as well.
            shown.remove(0)
        room = options.max_width - sum(widths[i] + _GAP for i in shown)
        width = max(min(widest, room), _MIN_NAME_WIDTH)
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
            return text.append(shown(place.box.name), "italic")
        mark = mark_of(table.status)
        seconds = table.seconds(self.now)
        sign = turning(seconds) if table.status in RUNNING and seconds is not None else mark.sign
        return text.append(f"{sign} ", mark.style).append(
            shown(place.box.name), "bold" if table.status in RUNNING else ""
        )

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
        """Yield the further lines of a box, each with whether it is shown even if space is short."""
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
            texts += [
                (line, "red", True)
                for line in wrap(shown(table.error, lines=True), max(width - len(lead), _MIN_NAME_WIDTH))
            ]
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


class SafeConsole(Console):
    """A console that shows names and values from outside escaped, wherever they are in its output."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed."""
        for segment in super().render(renderable, options):
            is_text = segment.control is None
            yield Segment(shown(segment.text, lines=True), segment.style) if is_text else segment


def open_console(*, quiet: bool = False) -> Console:
    """Return a console that fits tables to the terminal's width, and truncates nothing outside a terminal."""
    console = SafeConsole(quiet=quiet)
    # A pipe or a file has no width.
    return console if console.is_terminal else SafeConsole(quiet=quiet, width=_MAX_WIDTH)


def plain_text(summary: Summary, now: datetime) -> str:
    """Return the graph as text without colours or a limit on width."""
    console = SafeConsole(file=StringIO(), width=_MAX_WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(TerminalGraph(summary, now))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
