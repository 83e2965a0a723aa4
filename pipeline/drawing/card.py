"""One box of the graph as a card: name, state, counts, expectations, what was remarkable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pipeline.drawing.ink import element, plain, shortened, width_of, words
from pipeline.drawing.marks import RUNNING, lasted, mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.drawing.diagram import Box
    from pipeline.drawing.layout import Place
    from pipeline.drawing.marks import Mark
    from pipeline.table_progress import TableProgress

STYLE = """
text { font-family: Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif; fill: #0f172a; }
.name { font-size: 17px; font-weight: 650; }
.kind { font-size: 12.5px; fill: #475569; }
.state { font-size: 12.5px; font-weight: 700; letter-spacing: .04em; }
.count { font-size: 21px; font-weight: 650; font-variant-numeric: tabular-nums; }
.label { font-size: 12px; fill: #475569; }
.rule { font-size: 13.5px; }
.figure { font-size: 13.5px; font-variant-numeric: tabular-nums; }
.quiet { fill: #64748b; }
.bad { font-weight: 700; fill: #b45309; }
.note { font-size: 12.5px; fill: #475569; }
.error { font-size: 12.5px; fill: #991b1b; }
.sign { font-size: 14px; font-weight: 700; fill: #ffffff; text-anchor: middle; }
.right { text-anchor: end; }
"""
_PADDING = 18
_NARROWEST, _WIDEST = 300, 430
_HEAD, _COUNTS, _RULE, _NOTE = 64, 54, 24, 19
_CELL, _CELL_GAP = 68.0, 20
_MOST_ERROR_LINES = 5
_NAME_SIZE, _RULE_SIZE, _NOTE_SIZE, _COUNT_SIZE = 17, 13.5, 12.5, 21
_CAPTION = 34
_COUNTED_IN_FULL = 10_000_000
_DASHES = {"SKIPPED": "9 5", "STOPPED": "9 5", "QUEUED": "2 4", "EXCLUDED": "2 4", "": "2 4"}


@dataclass(frozen=True)
class Card:
    """A box, measured and drawn."""

    box: Box
    now: datetime

    @property
    def size(self) -> tuple[float, float]:
        """Its width and height."""
        table = self.box.table
        if table is None:
            return width_of(self.box.name, _NAME_SIZE, bold=True) + 2 * _PADDING + 20, 62
        longest = max((width_of(rule, _RULE_SIZE) for rule in table.actions), default=0)
        counts = sum(width for *_, width in _cells(table)) - _CELL_GAP + 2 * _PADDING
        width = max(width_of(table.name, _NAME_SIZE, bold=True) + 64, longest + 210, _NARROWEST)
        width = max(min(width, _WIDEST), counts)
        rules = _CAPTION + _RULE * len(table.actions) if table.actions else 0
        notes = _NOTE * (len(table.notes) + len(_error_lines(table, width)))
        return width, _HEAD + _COUNTS + rules + notes + (14 if notes or rules else 4)

    def draw(self, place: Place) -> str:
        """Return it as SVG."""
        inside = self._folder(place) if self.box.table is None else self._table(self.box.table, place)
        title = element(
            "title", plain(f"{self.box.name}: {self.box.table.status}" if self.box.table else self.box.name)
        )
        return element("g", [title, *inside], transform=f"translate({place.x:.1f} {place.y:.1f})")

    def _folder(self, place: Place) -> list[str]:
        height, width = place.height, place.width
        outline = (
            f"M1 12 q0 -6 6 -6 h34 l9 9 h{width - 57:.1f} q6 0 6 6 v{height - 28:.1f} "
            f"q0 6 -6 6 h-{width - 14:.1f} q-6 0 -6 -6 z"
        )
        return [
            element("path", d=outline, fill="#f1f5f9", stroke="#64748b", stroke_width=1.5),
            words(self.box.name, _PADDING, height / 2 + 10, kind="name"),
        ]

    def _table(self, table: TableProgress, place: Place) -> list[str]:
        mark, width = mark_of(table.status), place.width
        parts = [
            element("rect", width=width, height=place.height, rx=12, fill="#ffffff"),
            *self._head(table, mark, width),
            *_counts(table),
        ]
        y = _HEAD + _COUNTS
        if table.actions:
            parts += _rules(table, width, y)
            y += _CAPTION + _RULE * len(table.actions)
        lines = [(note, "note") for note in _notes(table)] + [(line, "error") for line in _error_lines(table, width)]
        for index, (line, kind) in enumerate(lines):
            short = shortened(line, width - 2 * _PADDING, _NOTE_SIZE)
            parts.append(words(short, _PADDING, y + 18 + index * _NOTE, kind=kind))
        frame: dict[str, Any] = {"fill": "none", "stroke": mark.ink}
        frame["stroke_width"] = 4 if table.status == "FAILED" else 3.5 if table.status in RUNNING else 2
        if table.status in _DASHES:
            frame["stroke_dasharray"] = _DASHES[table.status]
        return [*parts, element("rect", width=width, height=place.height, rx=12, **frame)]

    def _head(self, table: TableProgress, mark: Mark, width: float) -> Iterator[str]:
        shape = f"M0 {_HEAD - 6} V12 Q0 0 12 0 H{width - 12:.1f} Q{width:.1f} 0 {width:.1f} 12 V{_HEAD - 6} Z"
        yield element("path", d=shape, fill=mark.paper)
        yield element("circle", cx=_PADDING + 10, cy=28, r=12, fill=mark.ink)
        yield words(mark.sign, _PADDING + 10, 33, kind="sign")
        name = shortened(table.name, width - 64, _NAME_SIZE, bold=True)
        yield words(name, _PADDING + 32, 26, kind="name")
        yield words(table.status or "NOT BEGUN", _PADDING + 32, 46, kind="state", style=f"fill: {mark.ink}")
        seconds = table.seconds(self.now)
        took = "" if seconds is None else f" · {lasted(timedelta(seconds=seconds))}"
        yield words(f"{_kind(table)}{took}", width - _PADDING, 46, kind="kind right")


def _kind(table: TableProgress) -> str:
    return "quarantine" if table.quarantine_of else table.kind.replace("_", " ")


def _cells(table: TableProgress) -> Iterator[tuple[str, str, str, float]]:
    """Yield the counts: label, number, look and width."""
    counts = [("in", table.rows_in, ""), ("written", table.rows_written, "")]
    if table.actions or table.rows_dropped or table.rows_warned:
        counts += [("dropped", table.rows_dropped, "bad"), ("warned", table.rows_warned, "bad")]
    if table.rows_deleted:
        counts.append(("deleted", table.rows_deleted, ""))
    for label, count, look in counts:
        text = f"{count:,}" if count < _COUNTED_IN_FULL else f"{count / 1e6:,.1f} M"
        width = max(width_of(text, _COUNT_SIZE, bold=True), width_of(label, 12)) + _CELL_GAP
        yield label, text, f"count {look if count else 'quiet' if look else ''}".strip(), max(width, _CELL)


def _counts(table: TableProgress) -> Iterator[str]:
    x = float(_PADDING)
    for label, text, look, width in _cells(table):
        yield words(text, x, _HEAD + 24, kind=look)
        yield words(label, x, _HEAD + 41, kind="label")
        x += width


def _rules(table: TableProgress, width: float, top: float) -> Iterator[str]:
    right, passed_at = width - _PADDING, width - _PADDING - 62
    yield element("path", d=f"M{_PADDING} {top + 4} H{right:.1f}", stroke="#e2e8f0", stroke_width=1.5)
    yield words("expectation", _PADDING, top + 24, kind="label")
    yield words("passed", passed_at, top + 24, kind="label right")
    yield words("failed", right, top + 24, kind="label right")
    for index, (rule, action) in enumerate(table.actions.items()):
        y = top + 46 + index * _RULE
        passed, failed = table.verdict(rule)
        sign, has_failed = table.sign(rule), bool(table.failed.get(rule))
        ink = {"✘": "#b45309", "✔": "#15803d"}.get(sign, "#64748b")
        name = shortened(rule, width - 206, _RULE_SIZE)
        yield words(sign, _PADDING, y, kind="rule", style=f"fill: {ink}; font-weight: 700")
        yield words(name, _PADDING + 20, y, kind="rule")
        yield words(action, passed_at - 58, y, kind="label right")
        yield words(passed, passed_at, y, kind="figure right")
        yield words(failed, right, y, kind=f"figure right {'bad' if has_failed else 'quiet'}")


def _notes(table: TableProgress) -> list[str]:
    # The file that brought a column would push the column itself off the card.
    return [note.partition(" (from ")[0] for note in table.notes]


def _error_lines(table: TableProgress, width: float) -> list[str]:
    lines = wrap(table.error or "", int((width - 2 * _PADDING) / (_NOTE_SIZE * 0.53)))
    return (
        [*lines[: _MOST_ERROR_LINES - 1], lines[_MOST_ERROR_LINES - 1] + " …"]
        if len(lines) > _MOST_ERROR_LINES
        else lines
    )
