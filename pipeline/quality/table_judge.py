"""Whole tables judged by Great Expectations, while the update itself imports none of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import EnvironmentFaultError
from pipeline.home import CHECKOUT
from pipeline.quality.parameters import values_at
from pipeline.session import gateway_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.home import Home
    from pipeline.quality.rules import Action, Suite, TableExpectation

_REMEDY = "See state/log/table_expectations.log in the home; `python -m pipeline validate` judges again."


@dataclass(frozen=True)
class TableVerdict:
    """What became of one table expectation.

    Attributes:
        passed: None where it could not be judged, which is never counted as passed.
        observed: What Great Expectations saw: a value, or how many rows were not as expected.
        problem: Why it could not be judged.
    """

    name: str
    action: Action
    passed: bool | None
    observed: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class Judged:
    """A table as it was judged; `document` has the `results` of Great Expectations, or is empty."""

    verdicts: tuple[TableVerdict, ...]
    document: dict[str, Any]


class TableJudge:
    """A second Python process that imports Great Expectations and shares the session's JVM.

    It starts when it is first needed and may serve many updates, which then need not wait for the import.
    """

    def __init__(self, home: Home, suites: Path, session: Callable[[], SparkSession]) -> None:
        self._session = session
        self._suites = suites
        self._log = home.log.with_name("table_expectations.log")
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Have the process start and import, if it has not begun to; nothing waits for it here."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
        with self._log.open("ab") as noise:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.quality.table_process", str(self._suites)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                text=True,
                encoding="utf-8",
                # Spark hands timestamps to Python in the machine's time zone.
                env={**os.environ, "TZ": "UTC", "PYTHONPATH": path},
            )

    def judge(self, table: Path, version: int, suite: Suite, now: datetime) -> Judged:
        """Return how a version of a table stands to its suite's table expectations.

        An expectation that could not be judged is neither passed nor failed.
        """
        port, secret = gateway_of(self._session())
        names = {name for item in suite.table_expectations for name in item.parameters}
        request = {
            "port": port,
            "secret": secret,
            "table": table.name,
            "path": str(table),
            "version": version,
            "suite": suite.name,
            "names": [item.name for item in suite.table_expectations],
            "parameters": values_at(names, now),
        }
        try:
            answer = self._asked(request)
        except EnvironmentFaultError as error:
            answer = {"problem": str(error)}
        if "problem" in answer:
            return Judged(tuple(_unknown(item, answer["problem"]) for item in suite.table_expectations), {})
        document: dict[str, Any] = answer["document"]
        return Judged(verdicts_of(document, suite.table_expectations), document)

    def close(self) -> None:
        """Have the process end."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    # It has ended already, with something unread.
                    continue
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        except BaseException:
            # The answer that nobody waits for any more must not be taken for the next one's.
            self.close()
            raise
        if not line:
            self.close()
            problem = f"Great Expectations ended before it had judged `{request['table']}`."
            raise EnvironmentFaultError(problem, _REMEDY)
        answer: dict[str, Any] = json.loads(line)
        return answer


def verdicts_of(document: dict[str, Any], expectations: Sequence[TableExpectation]) -> tuple[TableVerdict, ...]:
    """Return each table expectation's verdict from the `results` of Great Expectations."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for result in document["results"]:
        config = result["expectation_config"]
        by_name.setdefault((config.get("meta") or {}).get("name") or config["type"], []).append(result)
    verdicts = []
    for item in expectations:
        results = by_name.get(item.name, [])
        problem = next(filter(None, map(_exception_in, results)), None)
        if problem is not None:
            verdicts.append(_unknown(item, problem))
            continue
        passed = all(result["success"] for result in results)
        verdicts.append(TableVerdict(item.name, item.action, passed, "; ".join(map(_observed, results))))
    return tuple(verdicts)


def _unknown(item: TableExpectation, problem: str) -> TableVerdict:
    return TableVerdict(item.name, item.action, None, problem=problem)


def _exception_in(result: dict[str, Any]) -> str | None:
    """Return what an expectation stumbled over; it is told directly, or under the metric that raised it."""
    told = result.get("exception_info") or {}
    for info in [told, *(value for value in told.values() if isinstance(value, dict))]:
        if info.get("exception_message") and info.get("raised_exception", True):
            return str(info["exception_message"])
    return None


def _observed(result: dict[str, Any]) -> str:
    found = result.get("result") or {}
    if "observed_value" in found:
        return json.dumps(found["observed_value"], default=str)
    # Of a table without rows Great Expectations counts nothing, not even zero.
    if found.get("unexpected_count") is not None:
        return f"{found['unexpected_count']:,} of {found.get('element_count') or 0:,} rows are not as expected"
    return ""
