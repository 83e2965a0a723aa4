"""The `details` of events, in the original's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.batch import Written
    from pipeline.flows.flow import Progress
    from pipeline.graph import Node
    from pipeline.quality.judge import Evidence
    from pipeline.quality.rules import Suite
    from pipeline.quality.table_verdict import TableVerdict

_FLOW_TYPES = {
    "streaming_table": "APPEND",
    "materialized_view": "MATERIALIZED_VIEW",
    "temporary_view": "VIEW",
}


def data_quality(suite: Suite, table: str, evidence: Evidence) -> dict[str, Any]:
    """Return what judging a batch's rows has shown: an entry for every rule, zeros too."""
    expectations = [
        {
            "name": rule.name,
            "dataset": table,
            "action": rule.action,
            "scope": "row",
            "passed_records": evidence.rows - evidence.failed.get(rule.name, 0),
            "failed_records": evidence.failed.get(rule.name, 0),
        }
        for rule in suite.rules
    ]
    return {
        "dropped_records": evidence.dropped_rows,
        "warned_records": evidence.warned_rows,
        "expectations": expectations,
    }


def quality_of_table(table: str, verdicts: Sequence[TableVerdict]) -> dict[str, Any]:
    """Return how a table as a whole stands to its suite; each verdict counts as one record, an unknown as none."""
    expectations = [
        {
            "name": verdict.name,
            "dataset": table,
            "action": verdict.action,
            "scope": "table",
            "passed_records": int(verdict.passed is True),
            "failed_records": int(verdict.passed is False),
            "observed_value": verdict.observed,
            "problem": verdict.problem,
        }
        for verdict in verdicts
    ]
    return {"dropped_records": 0, "warned_records": 0, "expectations": expectations}


def expectations_of(suite: Suite) -> list[dict[str, str]]:
    """Return what a suite asks: of each row, then of the table as a whole."""
    by_row = [{"name": rule.name, "action": rule.action, "why": rule.why, "scope": "row"} for rule in suite.rules]
    of_table = [
        {"name": item.name, "action": item.action, "why": item.why, "scope": "table"}
        for item in suite.table_expectations
    ]
    return by_row + of_table


def metrics_of(written: Written, progress: Progress, *, rejected: bool) -> dict[str, Any]:
    """Return what a batch did to one table; `rejected` is for a quarantine, which another table's flow fills."""
    return {
        "num_input_rows": written.rows if rejected else progress.rows_in,
        "num_output_rows": written.rows,
        "num_deleted_rows": written.deleted_rows,
        "num_output_bytes": written.bytes,
        "num_dropped_rows": 0 if rejected or progress.evidence is None else progress.evidence.dropped_rows,
        # What the batch cost, brought and left waiting is told once, of the table that gives the flow its name.
        **({} if rejected else progress.facts),
    }


def flow_definition(node: Node) -> dict[str, Any]:
    """Return what flows from where to where, and where that is declared."""
    schema = node.schema.schema.simpleString() if node.schema is not None else ""
    files = [f"landing/{node.files.path}"] if node.files else []
    return {
        "input_datasets": node.inputs,
        "input_files": files,
        "output_dataset": node.name,
        "quarantine_of": node.quarantine_of,
        "flow_type": _FLOW_TYPES[node.dataset.kind],
        "comment": node.dataset.comment,
        "schema": schema,
        "language": "PYTHON",
        "location": str(node.dataset.location),
    }
