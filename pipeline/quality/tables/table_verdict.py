"""What is asked about a whole table, and the verdicts on its expectations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.quality.rules import Action, TableExpectation


@dataclass(frozen=True)
class Request:
    """One version of a table that is to be judged, as it goes over the pipe in JSON.

    Attributes:
        number: Comes back with the answer.
        table: The table's name.
        path: Its folder.
        version: The version that is judged.
        suite: The name of the suite.
        names: The names of the suite's expectations that are judged on the whole table.
        parameters: The values of the suite parameters.
        port: Where the update's JVM listens for Python.
        secret: What that JVM asks of its clients.
    """

    number: int
    table: str
    path: str
    version: int
    suite: str
    names: list[str]
    parameters: dict[str, str]
    port: int
    secret: str


@dataclass(frozen=True)
class TableVerdict:
    """The verdict on one table expectation.

    Attributes:
        passed: None if it could not be judged, which never counts as passed.
        observed: What Great Expectations observed: a value, or how many rows were not as expected.
        problem: Why it could not be judged.
    """

    name: str
    action: Action
    passed: bool | None
    observed: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class Judged:
    """The verdicts on a table.

    Attributes:
        at: What counted as the present.
        verdicts: One for each table expectation.
        document: Great Expectations' `results`; empty if it gave none.
    """

    at: datetime
    verdicts: tuple[TableVerdict, ...]
    document: dict[str, Any]


def verdicts_of(document: dict[str, Any], expectations: Sequence[TableExpectation]) -> tuple[TableVerdict, ...]:
    """Return each table expectation's verdict from the `results` of Great Expectations."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for result in document["results"]:
        config = result["expectation_config"]
        by_name.setdefault((config.get("meta") or {}).get("name") or config["type"], []).append(result)
    verdicts = []
    for item in expectations:
        results = by_name.get(item.name, [])
        problem = next(filter(None, map(exception_in, results)), None)
        if problem is not None:
            verdicts.append(unknown(item, problem))
            continue
        passed = all(result["success"] for result in results)
        verdicts.append(TableVerdict(item.name, item.action, passed, "; ".join(map(_observed, results))))
    return tuple(verdicts)


def unknown(item: TableExpectation, problem: str) -> TableVerdict:
    """Return the verdict on an expectation that could not be judged."""
    return TableVerdict(item.name, item.action, None, problem=problem)


def exception_in(result: dict[str, Any]) -> str | None:
    """Return the message of an exception in a result, which has it directly or under the metric that raised it."""
    found = result.get("exception_info") or {}
    for info in [found, *(value for value in found.values() if isinstance(value, dict))]:
        if info.get("exception_message") and info.get("raised_exception", True):
            return str(info["exception_message"])
    return None


def _observed(result: dict[str, Any]) -> str:
    found = result.get("result") or {}
    if "observed_value" in found:
        return json.dumps(found["observed_value"], default=str)
    # For an empty table, Great Expectations may count nothing, not even zero.
    if found.get("unexpected_count") is not None:
        return f"{found['unexpected_count']:,} of {found.get('element_count') or 0:,} rows are not as expected"
    return ""
