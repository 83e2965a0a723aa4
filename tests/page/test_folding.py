"""A large graph is shown as its groups first, and each can be unfolded."""

from __future__ import annotations

import pytest

from pipeline.page.facts import Conservation, EdgeFacts, GroupFacts, NodeFacts
from pipeline.page.folding import MOST_UNFOLDED, folded, group_of


def node(name: str, **facts: object) -> NodeFacts:
    return NodeFacts(name=name, type="streaming_table", **facts)


def edge(source: str, target: str, rows: int | None = None) -> EdgeFacts:
    return EdgeFacts(source=source, target=target, kind="flow", rows=rows, points=[])


def pairs(edges: list[EdgeFacts]) -> list[tuple[str, str, int | None]]:
    return [(one.source, one.target, one.rows) for one in edges]


@pytest.mark.parametrize(
    ("name", "kind", "group"),
    [
        ("landing/a", "files", "files"),
        ("sales.orders", "streaming_table", "sales"),
        ("main.sales.bronze_orders", "streaming_table", "main.sales"),
        ("bronze_orders", "streaming_table", "bronze"),
        ("gold_totals", "materialized_view", "gold"),
        ("orders", "streaming_table", ""),
        ("goldfish", "streaming_table", ""),
    ],
)
def test_group_of_a_table_is_its_schema_or_its_tier(name: str, kind: str, group: str) -> None:
    assert group_of(NodeFacts(name=name, type=kind)) == group


def test_folded_group_is_one_node_with_the_sums_and_the_worst_state() -> None:
    holds = Conservation(state="holds", text="1 in = 1 out")
    nodes = [
        node("a.x", status="COMPLETED", rows_written=3, rows_total=5, conservation=holds),
        node("a.y", status="FAILED", rows_written=1, rows_total=2, error="It broke.", conservation=holds),
        node("b", status="SKIPPED", rows_written=0),
    ]
    found = folded(nodes, [edge("a.x", "a.y", 3), edge("a.x", "b", 2), edge("a.y", "b", 4)], unfolded=[])
    assert found.groups == [GroupFacts(name="a", tables=2, is_folded=True)]
    assert found.nodes == [
        NodeFacts(
            name="a",
            type="group",
            status="FAILED",
            error="a.y failed",
            rows_written=4,
            rows_total=7,
            members=["a.x", "a.y"],
            conservation=Conservation(state="holds", text="all 2 balance"),
        ),
        nodes[2],
    ]
    assert pairs(found.edges) == [("a", "b", 6)]


def test_rows_between_groups_are_unknown_if_one_edge_does_not_know_its_own() -> None:
    found = folded([node("a.x"), node("a.y"), node("b")], [edge("a.x", "b", 2), edge("a.y", "b")], unfolded=[])
    assert pairs(found.edges) == [("a", "b", None)]


def test_unfolded_group_shows_its_tables_and_can_be_folded() -> None:
    nodes = [node("a.x"), node("a.y"), node("b.x"), node("b.y")]
    found = folded(nodes, [edge("a.x", "b.x", 1), edge("a.y", "b.y", 2), edge("b.x", "b.y", 1)], unfolded=["b"])
    assert [one.name for one in found.nodes] == ["a", "b.x", "b.y"]
    assert [(group.name, group.is_folded) for group in found.groups] == [("a", True), ("b", False)]
    assert pairs(found.edges) == [("a", "b.x", 1), ("a", "b.y", 2), ("b.x", "b.y", 1)]


def test_group_whose_rows_come_back_to_it_stays_unfolded() -> None:
    nodes = [node("a.first"), node("b.x"), node("b.y"), node("b.z"), node("a.last")]
    found = folded(nodes, [edge("a.first", "b.x"), edge("b.x", "a.last")], unfolded=[])
    assert [one.name for one in found.nodes] == ["a.first", "b", "a.last"]
    assert pairs(found.edges) == [("a.first", "b", None), ("b", "a.last", None)]


@pytest.mark.parametrize(("count", "is_folded"), [(MOST_UNFOLDED, False), (MOST_UNFOLDED + 1, True)])
def test_graph_is_folded_at_first_if_it_is_large(count: int, is_folded: bool) -> None:
    found = folded([node(f"a.t{at}") for at in range(count)], [])
    assert [group.is_folded for group in found.groups] == [is_folded]
    assert len(found.nodes) == (1 if is_folded else count)
