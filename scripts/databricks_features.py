"""What pipelines written for Databricks use, found in their text, and the table of how many of them run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULE = r"(?:dlt|dp|pipelines|sdp|ldp)"


@dataclass(frozen=True)
class Feature:
    """Something that a source uses.

    Attributes:
        name: As the table has it.
        pattern: Found in a file that uses it.
        runs: Whether it is among what this engine runs; a pipeline with any other is expected to be refused.
    """

    name: str
    pattern: str
    runs: bool = True


_CHANGES = rf"\b{_MODULE}\.(apply_changes|create_auto_cdc_flow)\("
_STREAM = r"readStream[\s\\]*\.?[\s\\]*\.format\(\s*[\"']"
FEATURES = (
    Feature("tables and views in Python", rf"@{_MODULE}\.(table|view|materialized_view|temporary_view|create_\w+)"),
    Feature("pipelines in SQL", r"(?i)\bCREATE\s+(OR\s+\w+\s+)?(\w+\s+)?(STREAMING|LIVE|MATERIALIZED|INCREMENTAL)\b"),
    Feature("notebooks", r"^(#|--) Databricks notebook source|^\s*\"nbformat\":"),
    Feature("expectations", rf"@?{_MODULE}\.expect|expect_all|\bEXPECT\s*\("),
    Feature("`cloudFiles`, `read_files`, `cloud_files`", r"(?i)cloudFiles|\b(read|cloud)_files\("),
    Feature("`_metadata`, `input_file_name()`", r"\b_metadata\b|input_file_name"),
    Feature("AUTO CDC", rf"(?i){_CHANGES}|\bAPPLY\s+CHANGES\s+INTO|\bAUTO\s+CDC\b"),
    Feature("AUTO CDC from snapshots", r"(apply_changes|create_auto_cdc)_from_snapshot"),
    Feature("append flows", r"append_flow|(?i:\bCREATE\s+FLOW\b[\s\S]{0,80}\bINSERT\b)"),
    Feature("parameters", r"spark\.conf\.get\(|\$\{[\w.]+\}"),
    Feature("`dbutils`: secrets, widgets, `fs.ls`", r"dbutils\.(secrets|widgets|fs\.ls)"),
    Feature("`spark.sql`", r"spark\.sql\("),
    Feature("state: watermarks, deduplication", r"withWatermark|dropDuplicates|(?i:\bWATERMARK\b)"),
    Feature("`schema=`, column lists", rf"@?{_MODULE}\.\w+\([^)]*\bschema\s*="),
    Feature("properties, clustering, partitions", r"(?i)table_properties|TBLPROPERTIES|cluster_by|partition_cols"),
    Feature("streams of files and Delta tables", rf"{_STREAM}(delta|json|csv|parquet)"),
    Feature("Kafka, Kinesis, Event Hubs", r"(?i)format\(\s*[\"'](kafka|kinesis|eventhubs)|read_kafka\(", runs=False),
    Feature("JDBC, Python data sources", r"(?i)format\(\s*[\"']jdbc|dataSource\.register", runs=False),
    Feature("sinks, event hooks", r"create_sink|foreach_batch_sink|\.sink\(|on_event_hook|update_flow", runs=False),
    Feature("functions of Databricks alone", r"(?i)\b(ai_\w+|h3_\w+|is_member)\s*\(|\bIMPORT\s+ai_", runs=False),
    Feature("packages of Databricks", r"^\s*(from|import) databricks\.(?!sdk\.runtime)", runs=False),
    Feature("`%run`, `dbutils.notebook`, other tools", r"%run\b|dbutils\.(notebook|fs\.(?!ls)|jobs|data)", runs=False),
    Feature("writes in the source", r"\.write(Stream|To)?\b\s*[\\(.]|(?i:\bINSERT\s+OVERWRITE|^GRANT)", runs=False),
    Feature("templates", r"\{\{.*\}\}", runs=False),
)  # fmt: skip


def features_of(text: str) -> list[str]:
    """Return the names of the features that a source uses."""
    return [feature.name for feature in FEATURES if re.search(feature.pattern, text, re.MULTILINE)]


def needs_only_what_runs(features: Sequence[str]) -> bool:
    """Return whether a source uses nothing that this engine is known not to run."""
    return all(feature.runs for feature in FEATURES if feature.name in features)


def summary_of(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of dry runs, over all pipelines and for each feature.

    Args:
        found: A pipeline each: `repository`, `files`, `features`, and `refused`, the kind of refusal or nothing.
    """
    expected = [one for one in found if needs_only_what_runs(one["features"])]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        if one["refused"]:
            kinds.setdefault(one["refused"], []).append(one)
    of_each = {feature: [one for one in found if feature.name in one["features"]] for feature in FEATURES}
    return {
        "repositories": len({one["repository"] for one in found}),
        "all": _counts(found),
        "needing_only_what_runs": _counts(expected),
        "features": [
            {"name": feature.name, "runs": feature.runs, **_counts(users)} for feature, users in of_each.items()
        ],
        "refused": [
            {"because": kind, "pipelines": len(refused), "of_those": sum(one in expected for one in refused)}
            for kind, refused in sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
        ],
    }


def _counts(found: Sequence[dict[str, Any]]) -> dict[str, int]:
    taken = [one for one in found if not one["refused"]]
    return {
        "pipelines": len(found),
        "pipelines_taken": len(taken),
        "files": sum(one["files"] for one in found),
        "files_taken": sum(one["files"] for one in taken),
    }


def table_of(summary: dict[str, Any]) -> str:
    """Return the documentation's tables of a summary, in Markdown."""
    rows = [("all", summary["all"]), ("those that need only what runs here", summary["needing_only_what_runs"])]
    rows += [(one["name"], one) for one in summary["features"]]
    lines = ["| pipelines with | pipelines | pass | files | pass |", "| --- | --- | --- | --- | --- |"]
    for name, counts in rows:
        shares = [
            f"{counts[what]} | {round(100 * counts[f'{what}_taken'] / max(counts[what], 1))} %"
            for what in ("pipelines", "files")
        ]
        lines.append(f"| {name} | {' | '.join(shares)} |")
    lines += ["", "| refused because of | pipelines | of those that need only what runs here |", "| --- | --- | --- |"]
    lines += [f"| {one['because']} | {one['pipelines']} | {one['of_those']} |" for one in summary["refused"]]
    return "\n".join(lines) + "\n"
