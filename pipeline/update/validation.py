"""Judges the tables that an update has changed as a whole, and keeps the verdicts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.foundation.durable_file import replace_file
from pipeline.foundation.errors import DataError
from pipeline.quality.parameters import age_of
from pipeline.quality.tables.table_judge import TableJudge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.flows.flow import Flow
    from pipeline.flows.open import Lakehouse
    from pipeline.quality.rules import Suite
    from pipeline.quality.tables.table_verdict import Judged, TableVerdict
    from pipeline.report.reporter import Reporter
    from pipeline.settings import Settings


# A large table is judged again once it has grown by this factor or this much time has passed.
_MIN_GROWTH = 1.1
_MAX_AGE_OF_VERDICTS = timedelta(days=1)


class TableExpectationError(DataError):
    """A table as a whole does not meet an expectation whose action is `fail`; its rows are written all the same."""

    def __init__(self, table: str, verdict: TableVerdict) -> None:
        self.table, self.verdict = table, verdict
        observed = verdict.problem or f"observed {verdict.observed}"
        outcome = "is not met" if verdict.passed is False else "could not be judged"
        super().__init__(
            f"`{table}` as a whole: `{verdict.name}` {outcome}: {observed}. Its rows are written.",
            "Correct the data or the suite, then `python -m pipeline validate` judges again.",
        )


@dataclass
class Validation:
    """Judges the tables that an update has changed, once it has changed them.

    Attributes:
        lakehouse: Where the tables are.
        settings: The folder of the suites, and up to how many rows a table is judged after every change.
        reporter: Logs the verdicts.
        kept: A judge that outlives this update. By default this update starts and ends its own.
    """

    lakehouse: Lakehouse
    settings: Settings
    reporter: Reporter
    kept: TableJudge | None = None

    @cached_property
    def _judge(self) -> TableJudge:
        return self.kept or TableJudge(self.lakehouse.home, self.settings.expectations, lambda: self.lakehouse.spark)

    def prepare(self, flow: Flow) -> None:
        """Start judging those of a flow's tables that are due, while the next flow runs."""
        for name in self.due(flow.targets):
            table = self.lakehouse.table(name)
            self._judge.begin(table.path, table.version(), self.lakehouse.suites[name], self.lakehouse.clock.now())

    def due(self, tables: Iterable[str], *, every_one: bool = False) -> list[str]:
        """Return those of the given tables that have to be judged.

        A table is due if it or its suite has changed since its last verdicts, if a verdict is missing, if a `fail` is
        still open, or if an expectation asks for freshness and that time has passed. Judging reads the whole table, so
        a large one is due only after it has grown by a tenth or a day has passed. The cost of a small update therefore
        does not depend on the size of its tables.
        """
        suites = self.lakehouse.suites
        candidates = [name for name in tables if name in suites and suites[name].table_expectations]
        # A file in the place of a table has already failed its flow.
        tables_of = {name: self.lakehouse.table(name) for name in candidates}
        candidates = [name for name, table in tables_of.items() if table.path.is_dir() and table.exists]
        return [name for name in candidates if every_one or self._has_changed(name, suites[name])]

    def judge(self, flows: Sequence[Flow], *, every_one: bool = False) -> dict[str, TableExpectationError]:
        """Judge what is due, log the verdicts, and return the error of each table that fails the update."""
        errors = {}
        try:
            for flow in flows:
                for name in self.due(flow.targets, every_one=every_one):
                    error = self._judge_one(flow, name)
                    if error is not None:
                        errors[name] = error
        finally:
            self.close()
        return errors

    def close(self) -> None:
        """End the judge's process; a kept judge only discards what was begun."""
        if self.kept:
            self.kept.forget()
        else:
            self._judge.close()

    def _judge_one(self, flow: Flow, name: str) -> TableExpectationError | None:
        table, suite = self.lakehouse.table(name), self.lakehouse.suites[name]
        version = table.version()
        judged = self._judge.judge(table.path, version, suite, self.lakehouse.clock.now())
        broken = [item for item in judged.verdicts if item.action == "fail" and not item.passed]
        error = TableExpectationError(name, broken[0]) if broken else None
        self.reporter.table_judged(flow, name, judged.verdicts, error)
        self._keep(name, suite, version, judged)
        return error

    def _keep(self, name: str, suite: Suite, version: int, judged: Judged) -> None:
        content = {
            "table": name,
            "suite": suite.name,
            "suite_hash": self._suite_hash(suite),
            "version": version,
            "rows": self.lakehouse.table(name).row_count(),
            "judged_at": judged.at.isoformat(),
            "verdicts": [asdict(verdict) for verdict in judged.verdicts],
            "document": judged.document,
        }
        replace_file(self._file(name), json.dumps(content, indent=2))

    def _has_changed(self, name: str, suite: Suite) -> bool:
        last = self._last(name)
        if "rows" not in last:
            return True
        since = self.lakehouse.clock.now() - datetime.fromisoformat(last["judged_at"])
        if self._has_grown(name, last, since):
            return True
        judged = {verdict["name"]: verdict["passed"] for verdict in last["verdicts"]}
        unsettled = (None, False)
        if last["suite_hash"] != self._suite_hash(suite) or any(
            judged.get(item.name) in (unsettled if item.action == "fail" else (None,))
            for item in suite.table_expectations
        ):
            return True
        ages = [age_of(parameter) for item in suite.table_expectations for parameter in item.parameters]
        return bool(ages) and since >= min(ages)

    def _has_grown(self, name: str, last: dict[str, Any], since: timedelta) -> bool:
        table = self.lakehouse.table(name)
        if table.version() == last["version"]:
            return False
        rows = table.row_count()
        barely_grown = rows <= last["rows"] * _MIN_GROWTH
        return not (rows > self.settings.table_expectations_rows and barely_grown and since < _MAX_AGE_OF_VERDICTS)

    def _suite_hash(self, suite: Suite) -> str:
        return hashlib.sha256((self.settings.expectations / f"{suite.name}.json").read_bytes()).hexdigest()

    def _last(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # Never judged, or written incompletely by an earlier version: judge again.
            return {}
        return content

    def _file(self, name: str) -> Path:
        return self.lakehouse.places(name).last_validation
