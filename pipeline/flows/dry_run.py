"""What a dry run says of a pipeline that can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.declare.graph import Node, Unresolved
    from pipeline.flows.open import Lakehouse
    from pipeline.plans.streams import StreamKeeping
    from pipeline.plans.views import ViewKeeping


def facts_of(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    """Return what each dataset reads, how it is kept and why, and its columns and expectations, in dependency order."""
    unknown = [_unresolved(each) for each in lakehouse.graph.unresolved.values()]
    return [_facts_of(lakehouse, node) for node in lakehouse.graph.nodes.values()] + unknown


def kept(lakehouse: Lakehouse, node: Node) -> tuple[str, str]:
    """Return how a dataset is kept, in a few words, and why, in a sentence."""
    if node.dataset.kind == "temporary_view":
        return "not stored", "Its query is part of the queries that read it."
    if node.quarantine_of is not None:
        reason = f"The flow of `{node.quarantine_of}` fills it with the rows that an expectation drops."
        return _keeping(lakehouse, node.quarantine_of).way, reason
    keeping = _keeping(lakehouse, node.name)
    return keeping.way, keeping.reason


def _keeping(lakehouse: Lakehouse, name: str) -> ViewKeeping | StreamKeeping:
    return lakehouse.views.get(name) or lakehouse.streams[name]


def _unresolved(each: Unresolved) -> dict[str, Any]:
    """Return what can be said of a dataset whose columns nobody knows yet."""
    dataset = each.dataset
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "location": str(dataset.location),
        "reads": [],
        "kept": "columns not checked",
        "kept_because": each.reason.problem,
        "columns": [],
        "rules": {rule.name: rule.action for rule in dataset.rules},
        "table_expectations": {},
    }


def _facts_of(lakehouse: Lakehouse, node: Node) -> dict[str, Any]:
    suite = lakehouse.suites.get(node.name)
    way, reason = kept(lakehouse, node)
    return {
        "name": node.name,
        "kind": node.dataset.kind,
        "location": str(node.dataset.location),
        "reads": node.folders + node.outside + node.inputs,
        "kept": way,
        "kept_because": reason,
        "columns": node.schema.columns if node.schema is not None else [],
        "rules": {rule.name: rule.action for rule in suite.rules} if suite else {},
        "table_expectations": {item.name: item.action for item in suite.table_expectations} if suite else {},
    }
