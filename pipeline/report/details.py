"""The `details` of events, with the original's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.flows.dry_run import kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.declare.graph import Node
    from pipeline.delta.batch import Written
    from pipeline.flows.flow import Progress
    from pipeline.flows.open import Lakehouse
    from pipeline.quality.judge import Evidence
    from pipeline.quality.rules import Suite
    from pipeline.quality.tables.table_verdict import TableVerdict

_FLOW_TYPES = {
    "streaming_table": "APPEND",
    "materialized_view": "MATERIALIZED_VIEW",
    "temporary_view": "VIEW",
}


def data_quality(suite: Suite, table: str, evidence: Evidence) -> dict[str, Any]:
    """Return the results of judging a batch's rows, with an entry for every rule, also for zeros."""
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
    """Return the verdicts on a table as a whole; each counts as one record, an unknown verdict as none."""
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
    """Return a suite's expectations: first those of each row, then those of the table as a whole."""
    by_row = [{"name": rule.name, "action": rule.action, "why": rule.why, "scope": "row"} for rule in suite.rules]
    of_table = [
        {"name": item.name, "action": item.action, "why": item.why, "scope": "table"}
        for item in suite.table_expectations
    ]
    return by_row + of_table


def metrics_of(written: Written, progress: Progress, *, rejected: bool) -> dict[str, Any]:
    """Return the figures of one batch for one table; `rejected` marks a quarantine."""
    return {
        "num_input_rows": written.rows if rejected else progress.rows_in,
        "num_output_rows": written.rows,
        "num_deleted_rows": written.deleted_rows,
        "num_output_bytes": written.bytes,
        "num_dropped_rows": 0 if rejected or progress.evidence is None else progress.evidence.dropped_rows,
        # The batch's own figures are logged once, with the table that gives the flow its name.
        **({} if rejected else progress.facts),
    }


def flow_definition(lakehouse: Lakehouse, node: Node) -> dict[str, Any]:
    """Return a flow's inputs and output, how its table is kept, and where it is declared."""
    schema = node.schema.schema.simpleString() if node.schema is not None else ""
    way, reason = kept(lakehouse, node)
    return {
        "input_datasets": node.inputs,
        "input_files": node.folders,
        "output_dataset": node.name,
        "quarantine_of": node.quarantine_of,
        "flow_type": "CHANGE" if node.dataset.changes is not None else _FLOW_TYPES[node.dataset.kind],
        "kept": way,
        "kept_because": reason,
        "comment": node.dataset.comment,
        "schema": schema,
        "language": "SQL" if node.dataset.location.file.endswith(".sql") else "PYTHON",
        "location": str(node.dataset.location),
    }
