"""Checks that the engine can keep its promises for a graph's declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.declare.graph import Node


def check_shape(nodes: Mapping[str, Node]) -> None:
    """Check every node, and how it fits the nodes that it names.

    Raises:
        AuthorError: No flow can do what a declaration asks; the message names its file and line.
    """
    for node in nodes.values():
        if node.dataset.kind == "streaming_table":
            _check_table(node, nodes)
        elif node.dataset.kind == "materialized_view":
            _check_view(node, nodes)


def _check_table(node: Node, nodes: Mapping[str, Node]) -> None:
    dataset = node.dataset
    if dataset.changes is not None:
        # Its query reads what its declaration names.
        if dataset.rules:
            problem = f"the change table `{node.name}` has expectations of its rows, which changes make by key."
            _refuse(node, problem, "Declare them for the table that the changes come from.")
        return
    if dataset.once_for is not None:
        if node.streams or node.files or node.quarantine_of:
            problem = f"the flow that gives `{dataset.once_for}` rows once reads a stream."
            _refuse(node, problem, "Read the source whole there: it is read a single time.")
        return
    kinds = bool(node.streams) + bool(node.files) + bool(node.quarantine_of) + bool(node.outside_stream)
    if kinds != 1:
        _refuse(
            node,
            f"the streaming table `{node.name}` reads {kinds} of files, streams and quarantines; expected 1.",
            "Use either read_files(), read_quarantine(), or read_stream() for one or several tables in its query.",
        )
    if dataset.expectation_columns and not node.streams:
        _refuse(
            node,
            f"`{node.name}` has expectation columns, but no rows of another table to judge.",
            "Declare them for a table that reads this one with read_stream().",
        )
    rejected = nodes.get(dataset.quarantine) if dataset.quarantine else None
    if dataset.quarantine and (rejected is None or rejected.quarantine_of != node.name):
        _refuse(
            node,
            f"the quarantine of `{node.name}`, `{dataset.quarantine}`, is not declared as such.",
            f'Declare a table `{dataset.quarantine}` that returns read_quarantine("{node.name}").',
        )


def _check_view(node: Node, nodes: Mapping[str, Node]) -> None:
    if node.streams or node.files or node.quarantine_of:
        _refuse(
            node,
            f"the materialized view `{node.name}` reads a stream.",
            "Use read() in its query, or declare it with @table.",
        )
    if node.dataset.time_window is None:
        return
    whole = "Leave `time_window` out, and the view is recomputed whole."
    if len(node.snapshots) != 1:
        _refuse(node, f"`{node.name}` has a time window and {len(node.snapshots)} sources; expected 1.", whole)
    if nodes[node.snapshots[0]].dataset.kind != "streaming_table":
        _refuse(node, f"`{node.name}` has a time window; it can only read a streaming table.", whole)


def _refuse(node: Node, problem: str, remedy: str) -> None:
    raise AuthorError(f"{node.dataset.location}: {problem}", remedy)
