"""An update's graph as Mermaid text, for pages that render it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.drawing.diagram import Box, diagram_of
from pipeline.drawing.marks import mark_of
from pipeline.foundation.shown import shown

if TYPE_CHECKING:
    from pipeline.events.summary import Summary


def mermaid(summary: Summary) -> str:
    """Return a flow chart from left to right, each box with its state and counts."""
    diagram = diagram_of(summary)
    keys = {box.name: f"n{number}" for number, box in enumerate(diagram.boxes)}
    lines = ["flowchart LR"]
    for box in diagram.boxes:
        opening, closing = ("[/", "/]") if box.table is None else ("[", "]")
        lines.append(f'    {keys[box.name]}{opening}"{_label(box)}"{closing}')
    for arrow in diagram.arrows:
        line = "-.->" if arrow.kind == "rejected" else "-->"
        word = " rejected" if arrow.kind == "rejected" else ""
        label = "" if arrow.rows is None else f"|{arrow.rows:,}{word}|"
        lines.append(f"    {keys[arrow.source]} {line}{label} {keys[arrow.target]}")
    for box in diagram.boxes:
        if box.table is not None:
            mark = mark_of(box.table.status)
            lines.append(f"    style {keys[box.name]} fill:{mark.paper},stroke:{mark.ink},color:#0f172a")
    return "\n".join(lines)


def _label(box: Box) -> str:
    if box.table is None:
        return _escaped(box.name)
    table = box.table
    counts = [f"{table.rows_written:,} written"]
    counts += [f"{table.rows_dropped:,} dropped"] if table.rows_dropped else []
    counts += [f"{table.rows_warned:,} warned"] if table.rows_warned else []
    parts = [f"{mark_of(table.status).sign} {table.status}", ", ".join(counts)]
    parts += [f"{rule}: {count:,} failed" for rule, count in table.failed.items() if count]
    return "<br/>".join([f"<b>{_escaped(box.name)}</b>", *map(_escaped, parts)])


def _escaped(text: str) -> str:
    """Return a text that Mermaid shows as it stands."""
    return "".join(f"#{ord(char)};" if char in '"<>&#;[]{}|`' else char for char in shown(text))
