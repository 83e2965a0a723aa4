"""A graph on the page: where each card stands and where the lines run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.drawing.layout import lay_out
from pipeline.page.facts import Board, EdgeFacts

if TYPE_CHECKING:
    from pipeline.drawing.diagram import Diagram
    from pipeline.page.facts import NodeFacts

# From so many cards on, each says only what one looks for first.
MANY = 24
_ROOMY = (286.0, 150.0)
_COMPACT = (232.0, 84.0)
_GAPS = (74.0, 26.0)


def laid_out(diagram: Diagram, nodes: list[NodeFacts], *, told: bool) -> tuple[Board, list[EdgeFacts]]:
    """Give every node its place, and return the board's size and the lines on it.

    Args:
        diagram: The boxes and arrows of an update.
        nodes: A node for each box.
        told: Whether the lines say how many rows flowed.
    """
    size = _ROOMY if len(nodes) < MANY else _COMPACT
    layout = lay_out({node.name: size for node in nodes}, diagram.pairs, gap_x=_GAPS[0], gap_y=_GAPS[1])
    for node in nodes:
        node.x, node.y = layout.places[node.name].x, layout.places[node.name].y
    edges = [
        EdgeFacts(
            source=arrow.source,
            target=arrow.target,
            kind=arrow.kind,
            rows=arrow.rows if told else 0,
            points=layout.routes[arrow.source, arrow.target],
        )
        for arrow in diagram.arrows
    ]
    return Board(width=layout.width, height=layout.height, card_width=size[0], card_height=size[1]), edges
