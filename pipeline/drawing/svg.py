"""An update's graph as a picture that stands alone: nothing is loaded from elsewhere."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.drawing.card import STYLE, Card
from pipeline.drawing.diagram import diagram_of
from pipeline.drawing.ink import element, plain, shortened, width_of, words
from pipeline.drawing.layout import lay_out
from pipeline.drawing.marks import lasted, mark_of

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.drawing.diagram import Arrow
    from pipeline.drawing.layout import Point
    from pipeline.summary import Summary

_MARGIN, _TITLE = 36, 92
_GAP_X, _GAP_Y = 64.0, 32.0
_SIZE_OF_LABEL = 13.5
_INK, _REJECTED = "#475569", "#b45309"
_STYLE = """
.title { font-size: 24px; font-weight: 700; }
.under { font-size: 15px; fill: #475569; }
.flow { font-size: 13.5px; font-weight: 650; text-anchor: middle; }
"""


def svg(summary: Summary, now: datetime) -> str:
    """Return the picture; layers run from left to right."""
    diagram = diagram_of(summary)
    cards = {box.name: Card(box, now) for box in diagram.boxes}
    widest = max((width_of(_label(arrow), _SIZE_OF_LABEL, bold=True) for arrow in diagram.arrows), default=0)
    sizes = {name: card.size for name, card in cards.items()}
    layout = lay_out(sizes, diagram.pairs, gap_x=_GAP_X + widest, gap_y=_GAP_Y)
    width = max(layout.width, 760.0) + 2 * _MARGIN
    height = layout.height + 2 * _MARGIN + _TITLE
    arrows = [_arrow(arrow, layout.routes[arrow.source, arrow.target]) for arrow in diagram.arrows]
    graph = element(
        "g",
        [*(line for line, _ in arrows), *(cards[name].draw(place) for name, place in layout.places.items()),
         *(label for _, label in arrows)],
        transform=f"translate({_MARGIN} {_MARGIN + _TITLE})",
    )  # fmt: skip
    said = f"{summary.pipeline}, update {summary.update_id[:8]}: {summary.state}"
    return element(
        "svg",
        [
            element("title", plain(said)),
            element("style", STYLE + _STYLE),
            element("defs", [_head("flow", _INK), _head("rejected", _REJECTED)]),
            element("rect", width=width, height=height, fill="#ffffff"),
            *_heading(summary, now, width),
            graph,
        ],
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=width,
        height=height,
        role="img",
    )


def _heading(summary: Summary, now: datetime, width: float) -> list[str]:
    mark, took = mark_of(summary.state), lasted(summary.duration(now))
    began = f"{summary.created_at:%d %b %Y, %H:%M:%S} UTC" if summary.created_at else ""
    facts = [f"update {summary.update_id[:8]}", summary.cause, began, took, f"{summary.rows_in:,} records came in"]
    state = f"{mark.sign} {summary.state}"
    at = _MARGIN + width_of(summary.pipeline, 24, bold=True) + 22
    chip = width_of(state, 15, bold=True) + 34
    parts = [
        words(summary.pipeline, _MARGIN, _MARGIN + 22, kind="title"),
        element("rect", x=at, y=_MARGIN, width=chip, height=28, rx=14, fill=mark.ink),
        words(state, at + chip / 2, _MARGIN + 19.5, kind="sign"),
        words("  ·  ".join(fact for fact in facts if fact), _MARGIN, _MARGIN + 52, kind="under"),
    ]
    told = {table.error for table in summary.tables.values()}
    if summary.errors and summary.errors[0] not in told:
        error = shortened(" ".join(summary.errors[0].split()), width - 2 * _MARGIN, 12.5)
        parts.append(words(error, _MARGIN, _MARGIN + 72, kind="error"))
    return parts


def _head(name: str, ink: str) -> str:
    tip = element("path", d="M0 0 L10 5 L0 10 Z", fill=ink)
    return element("marker", tip, id=name, viewBox="0 0 10 10", refX=9, refY=5, markerWidth=11, markerHeight=11,
                   markerUnits="userSpaceOnUse", orient="auto")  # fmt: skip


def _arrow(arrow: Arrow, points: list[Point]) -> tuple[str, str]:
    """Return the line and its label: the rows that went this way, where they are known."""
    ink = _REJECTED if arrow.kind == "rejected" else _INK
    look: dict[str, Any] = {"stroke": ink, "stroke_width": 2.2, "marker_end": f"url(#{arrow.kind})"}
    if arrow.kind == "rejected":
        look["stroke_dasharray"] = "7 5"
    line = element("path", d=_curve(points), fill="none", **look)
    if arrow.rows is None:
        return line, ""
    text = _label(arrow)
    # The last stretch belongs to this arrow alone; the first may be shared with others of the same source.
    (x1, y1), (x2, y2) = points[-2:]
    x, y, width = (x1 + x2) / 2, (y1 + y2) / 2, width_of(text, _SIZE_OF_LABEL, bold=True) + 14
    pill = element("rect", x=x - width / 2, y=y - 12, width=width, height=24, rx=12, fill="#ffffff", stroke="#cbd5e1")
    return line, pill + words(text, x, y + 4.8, kind="flow", style=f"fill: {ink}")


def _label(arrow: Arrow) -> str:
    return "" if arrow.rows is None else f"{arrow.rows:,}{' rejected' if arrow.kind == 'rejected' else ''}"


def _curve(points: list[Point]) -> str:
    """Return a path that leaves and enters each box straight from its side."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (x2 - x1) / 2
        path += f" C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return path
