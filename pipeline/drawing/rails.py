"""A graph as an indented list: each box stands below what fills it, on a rail that leads there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.drawing.diagram import Arrow, Box, Diagram


@dataclass(frozen=True)
class Station:
    """A box with the rails before it.

    Attributes:
        lead: What stands before its name.
        below: What stands before further lines about it.
        others: The boxes that fill it too, besides the one it stands under.
    """

    box: Box
    lead: str
    below: str
    others: tuple[str, ...] = ()


def stations(diagram: Diagram) -> Iterator[Station]:
    """Yield every box once, each under the last of its inputs, so that no arrow leads upwards."""
    boxes = {box.name: box for box in diagram.boxes}
    under: dict[str, Arrow] = {}
    for arrow in diagram.arrows:
        under[arrow.target] = arrow
    children: dict[str, list[Arrow]] = {name: [] for name in boxes}
    for arrow in under.values():
        children[arrow.source].append(arrow)

    def below(name: str, lead: str, rail: str) -> Iterator[Station]:
        inputs = [arrow.source for arrow in diagram.arrows if arrow.target == name]
        others = tuple(source for source in inputs if source != under[name].source) if name in under else ()
        yield Station(boxes[name], lead, rail + ("│ " if children[name] else "  "), others)
        for index, arrow in enumerate(children[name]):
            is_last = index == len(children[name]) - 1
            line = "┄▷ " if arrow.kind == "rejected" else "─▶ "
            yield from below(arrow.target, f"{rail}{'└' if is_last else '├'}{line}", rail + ("  " if is_last else "│ "))

    for name in boxes:
        if name not in under:
            yield from below(name, "", "")
