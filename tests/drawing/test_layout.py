from __future__ import annotations

import random
from itertools import combinations

import pytest

from pipeline.drawing.layout import Layout, Place, lay_out


def laid_out(names: list[str], arrows: list[tuple[str, str]]) -> Layout:
    return lay_out(dict.fromkeys(names, (100.0, 40.0)), arrows, gap_x=50.0, gap_y=20.0)


def touch(one: Place, other: Place) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_chain_is_a_line_from_left_to_right() -> None:
    layout = laid_out(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert layout.places == {"a": Place(0, 0, 100, 40), "b": Place(150, 0, 100, 40), "c": Place(300, 0, 100, 40)}
    assert layout.routes == {("a", "b"): [(100, 20), (150, 20)], ("b", "c"): [(250, 20), (300, 20)]}
    assert (layout.width, layout.height) == (400, 40)


def test_box_with_two_readers_is_centred_between_them() -> None:
    layout = laid_out(["a", "b", "c"], [("a", "b"), ("a", "c")])
    assert layout.places["a"].middle == pytest.approx(layout.height / 2)
    assert [layout.places[name].y for name in ("b", "c")] == [0, 60]


def test_arrow_over_a_layer_goes_around_the_boxes_there() -> None:
    layout = laid_out(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    start, into, out, end = layout.routes["a", "c"]
    assert (start[0], into[0], out[0], end[0]) == (100, 150, 250, 300)
    assert into[1] == out[1]
    between = layout.places["b"]
    assert not between.y <= into[1] <= between.y + between.height


def test_arrows_that_would_cross_are_untangled() -> None:
    layout = laid_out(["a", "b", "c", "d"], [("a", "d"), ("b", "c")])
    assert (layout.places["a"].y < layout.places["b"].y) == (layout.places["d"].y < layout.places["c"].y)


def test_box_without_inputs_is_placed_right_before_its_reader() -> None:
    layout = laid_out(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert layout.places["late"].x == layout.places["b"].x


def test_graph_without_boxes_has_no_size() -> None:
    assert laid_out([], []) == Layout({}, {}, 0, 0)


def test_boxes_of_large_graphs_never_touch_and_arrows_go_to_the_right() -> None:
    chance = random.Random(7)
    names = [f"t{number}" for number in range(60)]
    arrows = [(names[chance.randrange(index)], names[index]) for index in range(1, 60) for _ in range(2)]
    sizes = {name: (chance.uniform(80, 300), chance.uniform(30, 250)) for name in names}
    layout = lay_out(sizes, arrows, gap_x=60, gap_y=20)
    assert not [pair for pair in combinations(layout.places.values(), 2) if touch(*pair)]
    for route in layout.routes.values():
        assert [point[0] for point in route] == sorted(point[0] for point in route)
    assert all(place.y >= -1e-6 and place.y + place.height <= layout.height + 1e-6 for place in layout.places.values())
