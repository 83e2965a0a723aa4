"""Which tables are judged as a whole, when, and what becomes of the verdicts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import DataError
from pipeline.quality.parameters import age_of
from pipeline.quality.table_judge import TableJudge

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.flows.flow import Flow, Lakehouse
    from pipeline.quality.rules import Suite
    from pipeline.quality.table_verdict import Judged, TableVerdict
    from pipeline.reporting import Reporter
    from pipeline.settings import Settings


# A large table is judged again once it holds so many times its rows, or when so much time has passed.
_GROWTH_TO_JUDGE_AGAIN = 1.1
_LONGEST_UNJUDGED = timedelta(days=1)


class TableExpectationError(DataError):
    """A table as a whole is not what an expectation with the action `fail` asks; its rows are written."""

    def __init__(self, table: str, verdict: TableVerdict) -> None:
        self.table, self.verdict = table, verdict
        seen = verdict.problem or f"observed {verdict.observed}"
        what = "is not met" if verdict.passed is False else "could not be judged"
        super().__init__(
            f"`{table}` as a whole: `{verdict.name}` {what}: {seen}. Its rows are written.",
            "Correct the data or the suite, then `python -m pipeline validate` judges again.",
        )


class Validation:
    """Judges the tables that an update has changed, once it has changed them.

    Args:
        lakehouse: Where the tables are.
        settings: Where the suites are, and how large a table is judged whenever it has changed.
        reporter: Tells of the verdicts.
        kept: A judge that somebody keeps for later updates; without one, one comes and goes with this update.
    """

    def __init__(
        self, lakehouse: Lakehouse, settings: Settings, reporter: Reporter, kept: TableJudge | None = None
    ) -> None:
        self._lakehouse = lakehouse
        self._reporter = reporter
        self._suites = settings.expectations
        self._most_rows = settings.table_expectations_rows
        self._is_kept = kept is not None
        self._judge = kept or TableJudge(lakehouse.home, settings.expectations, lambda: lakehouse.spark)

    def prepare(self, flow: Flow) -> None:
        """Have those of a flow's tables that are due judged meanwhile, while the next flow runs."""
        for name in self.due(flow.targets):
            table = self._lakehouse.table(name)
            self._judge.begin(table.path, table.version(), self._lakehouse.suites[name], self._lakehouse.clock.now())

    def due(self, tables: Iterable[str], *, every_one: bool = False) -> list[str]:
        """Return those of some tables that have to be judged.

        The table or its suite has changed since, a verdict is missing, a `fail` is still open, or an expectation
        asks for freshness and so much time has passed that the table may have become stale. Judging reads a whole
        table: a large one is due when it has grown by a tenth or a day has passed, so that an update of a few rows
        costs the same however many there are.
        """
        suites = self._lakehouse.suites
        candidates = [name for name in tables if name in suites and suites[name].table_expectations]
        # A file may stand where a table belongs; its flow has failed and said so.
        tables_of = {name: self._lakehouse.table(name) for name in candidates}
        candidates = [name for name, table in tables_of.items() if table.path.is_dir() and table.exists]
        return [name for name in candidates if every_one or self._has_changed(name, suites[name])]

    def judge(self, flows: list[Flow], *, every_one: bool = False) -> dict[str, TableExpectationError]:
        """Judge what is due, tell the event log, and return the tables that must not pass, with the reason."""
        stopped = {}
        try:
            for flow in flows:
                for name in self.due(flow.targets, every_one=every_one):
                    error = self._judge_one(flow, name)
                    if error is not None:
                        stopped[name] = error
        finally:
            self.close()
        return stopped

    def close(self) -> None:
        """Let go of Great Expectations' process, or of what it was asked, if somebody keeps it."""
        if self._is_kept:
            self._judge.forget()
        else:
            self._judge.close()

    def _judge_one(self, flow: Flow, name: str) -> TableExpectationError | None:
        table, suite = self._lakehouse.table(name), self._lakehouse.suites[name]
        version = table.version()
        judged = self._judge.judge(table.path, version, suite, self._lakehouse.clock.now())
        broken = [item for item in judged.verdicts if item.action == "fail" and not item.passed]
        error = TableExpectationError(name, broken[0]) if broken else None
        self._reporter.table_judged(flow, name, judged.verdicts, error)
        self._keep(name, suite, version, judged)
        return error

    def _keep(self, name: str, suite: Suite, version: int, judged: Judged) -> None:
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "table": name,
            "suite": suite.name,
            "suite_hash": self._suite_hash(suite),
            "version": version,
            "rows": self._lakehouse.table(name).row_count(),
            "judged_at": judged.at.isoformat(),
            "verdicts": [asdict(verdict) for verdict in judged.verdicts],
            "document": judged.document,
        }
        scratch = file.with_suffix(".tmp")
        scratch.write_text(json.dumps(content, indent=2), encoding="utf-8")
        scratch.replace(file)

    def _has_changed(self, name: str, suite: Suite) -> bool:
        last = self._last(name)
        if "rows" not in last:
            return True
        since = self._lakehouse.clock.now() - datetime.fromisoformat(last["judged_at"])
        if self._has_grown(name, last, since):
            return True
        judged = {verdict["name"]: verdict["passed"] for verdict in last["verdicts"]}
        open_ones = (None, False)
        if last["suite_hash"] != self._suite_hash(suite) or any(
            judged.get(item.name) in (open_ones if item.action == "fail" else (None,))
            for item in suite.table_expectations
        ):
            return True
        ages = [age_of(parameter) for item in suite.table_expectations for parameter in item.parameters]
        return bool(ages) and since >= min(ages)

    def _has_grown(self, name: str, last: dict[str, Any], since: timedelta) -> bool:
        table = self._lakehouse.table(name)
        if table.version() == last["version"]:
            return False
        rows = table.row_count()
        few_more = rows <= last["rows"] * _GROWTH_TO_JUDGE_AGAIN
        return not (rows > self._most_rows and few_more and since < _LONGEST_UNJUDGED)

    def _suite_hash(self, suite: Suite) -> str:
        return hashlib.sha256((self._suites / f"{suite.name}.json").read_bytes()).hexdigest()

    def _last(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # Never judged, or cut short: it is judged again.
            return {}
        return content

    def _file(self, name: str) -> Path:
        return self._lakehouse.state("validations", name) / "last.json"
