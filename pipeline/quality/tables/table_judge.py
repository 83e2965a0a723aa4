"""Has whole tables judged by Great Expectations, which the update's own process never imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import EnvironmentFaultError
from pipeline.home.places import CHECKOUT, Home
from pipeline.quality.parameters import values_at
from pipeline.quality.tables.table_verdict import Judged, Request, unknown, verdicts_of
from pipeline.spark.attached import gateway_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.quality.rules import Suite

_REMEDY = "See state/log/table_expectations.log in the home; `python -m pipeline validate` judges again."


@dataclass(frozen=True)
class _Question:
    """What the process was asked last, and the moment that counts as the present."""

    request: Request
    suite: Suite
    at: datetime

    @property
    def key(self) -> tuple[str, int]:
        return self.request.path, self.request.version

    def judged(self, answer: dict[str, Any]) -> Judged:
        """Return the table as the process's answer judges it."""
        expectations = self.suite.table_expectations
        if "problem" in answer:
            return Judged(self.at, tuple(unknown(item, answer["problem"]) for item in expectations), {})
        document: dict[str, Any] = answer["document"]
        return Judged(self.at, verdicts_of(document, expectations), document)


@dataclass
class TableJudge:
    """A second Python process that imports Great Expectations and shares the session's JVM.

    It starts when it is first needed and may serve many updates, so that only the first waits for the import. If it
    dies, the next question starts another one.

    Attributes:
        home: Takes the process's log.
        suites: The folder of the suites.
        session: Returns the Spark session.
    """

    home: Home
    suites: Path
    session: Callable[[], SparkSession]
    _process: subprocess.Popen[str] | None = None
    _last_number: int = 0
    _pending: _Question | None = None
    _judged: dict[tuple[str, int], Judged] = field(default_factory=dict)

    def begin(self, table: Path, version: int, suite: Suite, now: datetime) -> None:
        """Start judging a version of a table and return at once; `judge` collects the result."""
        # One question at a time: with more, both processes could block on a full pipe.
        self._await_pending()
        port, secret = gateway_of(self.session())
        process = self._started()
        assert process.stdin is not None
        self._last_number += 1
        expectations = suite.table_expectations
        request = Request(
            number=self._last_number,
            table=table.name,
            path=str(table),
            version=version,
            suite=suite.name,
            names=[item.name for item in expectations],
            parameters=values_at({name for item in expectations for name in item.parameters}, now),
            port=port,
            secret=secret,
        )
        self._pending = _Question(request, suite, now)
        try:
            process.stdin.write(json.dumps(asdict(request)) + "\n")
            process.stdin.flush()
        except OSError:
            # The process has died, which reading its answer will report.
            return

    def judge(self, table: Path, version: int, suite: Suite, now: datetime) -> Judged:
        """Return how a version of a table meets its suite's table expectations.

        An expectation that could not be judged is neither passed nor failed. If `begin` was called for this version,
        its `now` counts, not this one.
        """
        key = (str(table), version)
        if key not in self._judged:
            if self._pending is None or self._pending.key != key:
                self.begin(table, version, suite, now)
            self._await_pending()
        return self._judged.pop(key)

    def forget(self) -> None:
        """Discard pending and uncollected results, but keep the process running."""
        self._pending = None
        self._judged.clear()

    def close(self) -> None:
        """End the process, at once if it is still judging."""
        process, self._process = self._process, None
        question, self._pending = self._pending, None
        if process is None:
            return
        if question is not None:
            process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    # The process has died with a request unread.
                    continue
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[str]:
        """Return the running process, or start one without waiting for its import."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        file = self.home.log.with_name("table_expectations.log")
        file.parent.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
        with file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.quality.tables.table_process", str(self.suites)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                # Spark hands timestamps to Python in the machine's time zone.
                env={**os.environ, "TZ": "UTC", "PYTHONPATH": path},
            )
        return self._process

    def _await_pending(self) -> None:
        """Wait for the answer to the pending question, if there is one."""
        question = self._pending
        if question is None:
            return
        answer = self._answer(question.request.number)
        if answer is None:
            self.close()
            problem = f"Great Expectations ended before it had judged `{question.request.table}`."
            answer = {"problem": str(EnvironmentFaultError(problem, _REMEDY))}
        self._pending = None
        self._judged[question.key] = question.judged(answer)

    def _answer(self, number: int) -> dict[str, Any] | None:
        """Return the answer with a number, skipping those to forgotten questions, or None if the process has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                answer: dict[str, Any] = json.loads(line)
                if answer["number"] == number:
                    return answer
        except OSError:
            return None
        except BaseException:
            # Half a line may have been read.
            self.close()
            raise
        return None
