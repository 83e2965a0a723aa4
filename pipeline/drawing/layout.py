"""A layered layout for graphs: places boxes in columns from left to right and routes the arrows between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Point = tuple[float, float]
Pair = tuple[str, str]
# A box, or a bend of an arrow that passes a layer: (source, target, layer).
_Slot = str | tuple[str, str, int]

_SWEEPS = 12
_BEND_HEIGHT = 12.0


@dataclass(frozen=True)
class Place:
    """A box's upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The vertical centre."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    """The places of boxes, the routes of arrows, and the size of the whole.

    Attributes:
        routes: The points that each arrow passes, from its source to its target. It crosses a layer straight, between
            two points of the same height.
    """

    places: dict[str, Place]
    routes: dict[Pair, list[Point]]
    width: float
    height: float


def lay_out(sizes: Mapping[str, Point], arrows: Sequence[Pair], *, gap_x: float, gap_y: float) -> Layout:
    """Return a layout in which arrows run from left to right with few crossings, and boxes never touch.

    Args:
        sizes: Each box's width and height; boxes of one layer keep this order unless another has fewer crossings.
        arrows: The arrows' ends, without cycles.
        gap_x: The space between layers.
        gap_y: The space between the boxes of a layer.
    """
    arrows = list(dict.fromkeys(arrows))
    layers, links = _layers(list(sizes), arrows)
    _untangle(layers, links)

    def height_of(slot: _Slot) -> float:
        return sizes[slot][1] if isinstance(slot, str) else _BEND_HEIGHT

    middles = _middles(layers, links, height_of, gap_y)
    widths = [max((sizes[slot][0] for slot in layer if isinstance(slot, str)), default=0.0) for layer in layers]
    lefts = [sum(widths[:index]) + gap_x * index for index in range(len(layers))]
    places = {
        slot: Place(lefts[index], middles[slot] - sizes[slot][1] / 2, widths[index], sizes[slot][1])
        for index, layer in enumerate(layers)
        for slot in layer
        if isinstance(slot, str)
    }
    routes = {pair: _route(pair, places, middles, lefts, widths) for pair in arrows}
    height = max((middles[slot] + height_of(slot) / 2 for layer in layers for slot in layer), default=0.0)
    return Layout(places, routes, sum(widths) + gap_x * max(len(layers) - 1, 0), height)


def _layers(names: list[str], arrows: list[Pair]) -> tuple[list[list[_Slot]], list[tuple[_Slot, _Slot]]]:
    """Return the slots of each layer, and the links between slots of neighbouring layers."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for source, target in arrows:
            depth[target] = max(depth[target], depth[source] + 1)
    fed = {target for _, target in arrows}
    for name in names:
        readers = [depth[target] for source, target in arrows if source == name]
        if name not in fed and readers:
            # A node without inputs is placed one layer before its first reader.
            depth[name] = min(readers) - 1
    layers: list[list[_Slot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    links: list[tuple[_Slot, _Slot]] = []
    for source, target in arrows:
        previous: _Slot = source
        for index in range(depth[source] + 1, depth[target]):
            bend = (source, target, index)
            layers[index].append(bend)
            links.append((previous, bend))
            previous = bend
        links.append((previous, target))
    return layers, links


def _neighbours(links: list[tuple[_Slot, _Slot]]) -> tuple[dict[_Slot, list[_Slot]], dict[_Slot, list[_Slot]]]:
    before: dict[_Slot, list[_Slot]] = {}
    after: dict[_Slot, list[_Slot]] = {}
    for left, right in links:
        before.setdefault(right, []).append(left)
        after.setdefault(left, []).append(right)
    return before, after


def _untangle(layers: list[list[_Slot]], links: list[tuple[_Slot, _Slot]]) -> None:
    """Sort each layer by the mean rank of its neighbours, in sweeps, and keep the order with fewest crossings."""
    before, after = _neighbours(links)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, before)
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        inner = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for index in inner:
            fixed = layers[index - 1 if sweep % 2 == 0 else index + 1]
            rank = {slot: float(position) for position, slot in enumerate(fixed)}
            wanted = {
                slot: _mean([rank[other] for other in neighbours.get(slot, ())], position)
                for position, slot in enumerate(layers[index])
            }
            layers[index].sort(key=wanted.__getitem__)
        crossings = _crossings(layers, before)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[_Slot]], before: dict[_Slot, list[_Slot]]) -> int:
    total = 0
    for left, right in pairwise(layers):
        rank = {slot: position for position, slot in enumerate(left)}
        ends = [sorted(rank[other] for other in before.get(slot, ())) for slot in right]
        flat = [end for some in ends for end in some]
        total += sum(1 for i, first in enumerate(flat) for second in flat[i + 1 :] if second < first)
    return total


def _middles(
    layers: list[list[_Slot]], links: list[tuple[_Slot, _Slot]], height_of: Callable[[_Slot], float], gap: float
) -> dict[_Slot, float]:
    """Return each slot's vertical centre: near the mean of its neighbours, in the layer's order, a gap apart."""
    before, after = _neighbours(links)
    middles: dict[_Slot, float] = {}
    for layer in layers:
        middles |= _apart(layer, dict.fromkeys(layer, 0.0), height_of, gap)
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = {
                slot: _mean([middles[other] for other in before.get(slot, []) + after.get(slot, [])], middles[slot])
                for slot in layer
            }
            middles |= _apart(layer, wanted, height_of, gap)
    top = min((middle - height_of(slot) / 2 for slot, middle in middles.items()), default=0.0)
    return {slot: middle - top for slot, middle in middles.items()}


def _apart(
    layer: list[_Slot], wanted: dict[_Slot, float], height_of: Callable[[_Slot], float], gap: float
) -> dict[_Slot, float]:
    """Return the centres nearest to the wanted ones that keep the order and the gaps (least squares)."""
    offsets, offset = [], 0.0
    for previous, slot in zip([None, *layer], layer, strict=False):
        offset += 0.0 if previous is None else (height_of(previous) + height_of(slot)) / 2 + gap
        offsets.append(offset)
    # Blocks that would overlap are pooled and share their mean.
    blocks: list[tuple[float, int]] = []
    for slot, shift in zip(layer, offsets, strict=True):
        total, count = wanted[slot] - shift, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            last_total, last_count = blocks.pop()
            total, count = total + last_total, count + last_count
        blocks.append((total, count))
    means = [total / count for total, count in blocks for _ in range(count)]
    return {slot: mean + shift for slot, mean, shift in zip(layer, means, offsets, strict=True)}


def _route(
    pair: Pair, places: dict[str, Place], middles: dict[_Slot, float], lefts: list[float], widths: list[float]
) -> list[Point]:
    source, target = places[pair[0]], places[pair[1]]
    points = [(source.x + source.width, source.middle)]
    for index, (left, width) in enumerate(zip(lefts, widths, strict=True)):
        bend = (*pair, index)
        if bend in middles:
            points += [(left, middles[bend]), (left + width, middles[bend])]
    return [*points, (target.x, target.middle)]
