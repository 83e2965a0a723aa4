"""What a pipeline's source uses is found in its text, and counted; the documentation has the counts of public source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.databricks_features import FEATURES, features_of, needs_only_what_runs, summary_of, table_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOADED = 'spark.readStream.format("cloudFiles").load(spark.conf.get("path"))'


@pytest.mark.parametrize(
    ("text", "names", "runs"),
    [
        (f"@dlt.table\ndef t():\n    return {LOADED}", ["tables and views in Python", "cloudFiles", "parameters"], True),
        ("CREATE OR REFRESH STREAMING TABLE t (CONSTRAINT a EXPECT (b > 1)) AS", ["pipelines in SQL", "expectations"], True),
        ("dp.create_auto_cdc_flow(target='t')", ["AUTO CDC"], True),
        ("spark.readStream.format('kafka').load()", ["Kafka, Kinesis, Event Hubs"], False),
        ("x = 1\n%run ./other", ["`%run`"], False),
        ("import dlt", [], True),
    ],
)  # fmt: skip
def test_source_uses_the_features_whose_words_it_has(text: str, names: list[str], runs: bool) -> None:
    found = features_of(text)
    assert len(found) == len(names)
    assert all(one.strip("`").startswith(name.strip("`")) for one, name in zip(found, names, strict=True))
    assert needs_only_what_runs(found) is runs


def test_summary_counts_pipelines_and_files_of_each_feature() -> None:
    python, kafka = "tables and views in Python", "Kafka, Kinesis, Event Hubs"
    found: list[dict[str, Any]] = [
        {"repository": "a/a", "files": 3, "features": [python], "refused": ""},
        {"repository": "a/a", "files": 1, "features": [python], "refused": "a mistake"},
        {"repository": "b/b", "files": 2, "features": [python, kafka], "refused": "Kafka"},
    ]
    summary = summary_of(found)
    assert summary["repositories"] == 2
    assert summary["all"] == {"pipelines": 3, "pipelines_taken": 1, "files": 6, "files_taken": 3}
    expected = {"pipelines": 2, "pipelines_taken": 1, "files": 4, "files_taken": 3}
    assert summary["needing_only_what_runs"] == expected
    assert summary["refused"] == [
        {"because": "Kafka", "pipelines": 1, "of_those": 0},
        {"because": "a mistake", "pipelines": 1, "of_those": 1},
    ]
    by_name = {one["name"]: one for one in summary["features"]}
    assert len(by_name) == len(FEATURES)
    assert by_name[kafka] == {
        "name": kafka,
        "runs": False,
        "pipelines": 1,
        "pipelines_taken": 0,
        "files": 2,
        "files_taken": 0,
    }
    assert "| those that need only what runs here | 2 | 50 % | 4 | 75 % |" in table_of(summary)


def test_documentation_has_the_tables_of_the_counts() -> None:
    counts = json.loads((DOCS / "databricks-corpus.json").read_text(encoding="utf-8"))
    text = (DOCS / "databricks.md").read_text(encoding="utf-8")
    assert table_of(counts) in text
    only = counts["needing_only_what_runs"]
    assert f"Of the {only['pipelines']} pipelines that need only what runs here, {only['pipelines_taken']} pass" in text
