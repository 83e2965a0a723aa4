"""Rules of a declaration as a suite of Great Expectations, for Data Docs and as the beginning of a suite of one's own.

The rules themselves judge the rows; nothing is judged again by these suites.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.quality.condition_shapes import Expected, expected_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql.types import StructType

    from pipeline.declare.dataset import Dataset
    from pipeline.quality.rules import Suite

_SEVERITIES = {"warn": "warning", "drop": "critical", "fail": "critical"}
# The same suite has the same ids wherever it is generated.
_IDS = uuid.UUID("6a2f0d5e-54ce-4bd8-9f3b-0b6c1a9d7f10")


def suite_file(folder: Path, table: str) -> Path:
    """Return the file of a table's generated suite; dots in a file's name would divide it into folders."""
    return folder / f"{table.replace('.', '__')}.json"


def store_suites(folder: Path, declared: Iterable[tuple[Dataset, Suite, StructType]]) -> None:
    """Write a suite for each table with rules of its own, unless it is there as it is, and delete all others.

    Args:
        folder: The folder of generated suites.
        declared: Each table's declaration, its compiled rules, and the columns that its query returns.
    """
    written = {suite_file(folder, dataset.name): _text(dataset, suite, columns) for dataset, suite, columns in declared}
    for file in folder.glob("*.json"):
        if file not in written:
            file.unlink()
    for file, text in written.items():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            replace_file(file, text)


def _text(dataset: Dataset, suite: Suite, columns: StructType) -> str:
    name = dataset.name.replace(".", "__")
    expectations = []
    for rule in suite.rules:
        (condition,) = rule.conditions
        assert condition.violated_sql is not None
        kept = condition.violated_sql.removesuffix(") is false").removeprefix("(").strip()
        meta = {"name": rule.name, "action": rule.action, "declared": str(dataset.location)}
        expectations += [
            _expectation(one, meta, _SEVERITIES[rule.action], f"{name} {rule.name} {number}")
            for number, one in enumerate(expected_of(kept, columns))
        ]
    content = {
        "expectations": expectations,
        "id": str(uuid.uuid5(_IDS, name)),
        "meta": {"declared": str(dataset.location)},
        "name": name,
        "notes": None,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _expectation(one: Expected, meta: dict[str, str], severity: str, key: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(_IDS, key)),
        "kwargs": dict(one.arguments),
        "meta": meta,
        "severity": severity,
        "type": one.type,
    }
