"""A large graph with its tables folded into groups: a card for each schema or tier in place of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.page.facts import Conservation, EdgeFacts, FileCounts, GroupFacts, NodeFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

# With more cards than this, a graph is first shown with its groups folded.
MOST_UNFOLDED = 48
_TIERS = ("bronze", "silver", "gold")
# What a group's state is: the first of these that one of its tables has.
_MOST_TELLING = (
    "FAILED", "RUNNING", "STARTING", "QUEUED", "SKIPPED", "STOPPED", "COMPLETED", "IDLE", "EXCLUDED",
)  # fmt: skip
_SUMMED = ("rows_in", "rows_written", "rows_deleted", "rows_dropped", "rows_warned", "rows_total")
FILES_GROUP = "files"


@dataclass(frozen=True)
class Folded:
    """A graph whose folded groups are one node each, and every group that can be folded."""

    nodes: list[NodeFacts]
    edges: list[EdgeFacts]
    groups: list[GroupFacts]


def group_of(node: NodeFacts) -> str:
    """Return a node's group: `files`, its schema, else the tier that its name begins with; empty without one."""
    if node.type == "files":
        return FILES_GROUP
    schema, _, name = node.name.rpartition(".")
    tier = next((tier for tier in _TIERS if name.startswith(f"{tier}_")), "")
    return schema or tier


def folded(nodes: list[NodeFacts], edges: list[EdgeFacts], unfolded: Iterable[str] | None = None) -> Folded:
    """Return the graph with each group as one node, except those that are to be shown table by table.

    A group stays unfolded if folding it would close a circle: rows leave it and come back.

    Args:
        nodes: All nodes, in the order of their definitions.
        edges: All edges.
        unfolded: The groups to show table by table; None shows all of a small graph so, and none of a large one.
    """
    members: dict[str, list[NodeFacts]] = {}
    for node in nodes:
        members.setdefault(group_of(node), []).append(node)
    groups = {name: inside for name, inside in members.items() if name and len(inside) > 1}
    if unfolded is None:
        unfolded = () if len(nodes) > MOST_UNFOLDED else groups
    closed = _without_circles({name for name in groups if name not in set(unfolded)}, groups, edges)
    home = {node.name: name for name in closed for node in groups[name]}
    facts = [GroupFacts(name=name, tables=len(inside), is_folded=name in closed) for name, inside in groups.items()]
    shown = {home.get(node.name, node.name): node for node in reversed(nodes)}
    cards = [_group_node(name, groups[name]) if name in closed else shown[name] for name in reversed(shown)]
    return Folded(cards, _joined(edges, home), facts)


def _without_circles(wanted: set[str], groups: dict[str, list[NodeFacts]], edges: list[EdgeFacts]) -> set[str]:
    while wanted:
        home = {node.name: name for name in wanted for node in groups[name]}
        circle = _in_circles({(edge.source, edge.target) for edge in _joined(edges, home)})
        if not circle & wanted:
            return wanted
        # The largest one is unfolded last, for it saves the most room.
        wanted = wanted - {min(circle & wanted, key=lambda name: (len(groups[name]), name))}
    return wanted


def _in_circles(pairs: set[tuple[str, str]]) -> set[str]:
    """Return the nodes that are on a circle, or between two."""
    while True:
        sources, targets = {source for source, _ in pairs}, {target for _, target in pairs}
        left = {pair for pair in pairs if pair[0] in targets and pair[1] in sources}
        if left == pairs:
            return sources
        pairs = left


def _joined(edges: list[EdgeFacts], home: dict[str, str]) -> list[EdgeFacts]:
    """Return the edges between groups and nodes; rows are added up where each edge knows its own."""
    joined: dict[tuple[str, str], EdgeFacts] = {}
    for edge in edges:
        source, target = home.get(edge.source, edge.source), home.get(edge.target, edge.target)
        if source == target and source in home.values():
            continue
        before = joined.get((source, target))
        if before is None:
            joined[source, target] = edge.model_copy(update={"source": source, "target": target})
            continue
        rows = None if edge.rows is None or before.rows is None else edge.rows + before.rows
        kind = edge.kind if edge.kind == before.kind else "flow"
        joined[source, target] = before.model_copy(update={"rows": rows, "kind": kind})
    return list(joined.values())


def _group_node(name: str, inside: list[NodeFacts]) -> NodeFacts:
    states = {node.status for node in inside}
    failed = [node.name for node in inside if node.status == "FAILED"]
    sums = {key: sum(getattr(node, key) for node in inside) for key in _SUMMED}
    return NodeFacts(
        name=name,
        type="group",
        status=next((state for state in _MOST_TELLING if state in states), ""),
        error=f"{', '.join(failed)} failed" if failed else None,
        conservation=_balances([node.conservation for node in inside if node.conservation]),
        members=[node.name for node in inside],
        files=_files([node.files for node in inside if node.files]),
        **sums,
    )


def _files(counts: list[FileCounts]) -> FileCounts | None:
    if not counts:
        return None
    return FileCounts(**{key: sum(getattr(one, key) for one in counts) for key in FileCounts.model_fields})


def _balances(checks: list[Conservation]) -> Conservation | None:
    if not checks:
        return None
    broken = sum(check.state == "broken" for check in checks)
    if broken:
        return Conservation(state="broken", text=f"{broken} of {len(checks)} do not balance")
    if any(check.state == "open" for check in checks):
        return Conservation(state="open", text="rows are still being processed")
    return Conservation(state="holds", text=f"all {len(checks)} balance")
