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
from pipeline.quality.table_verdict import Judged, unknown, verdicts_of
from pipeline.session import gateway_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from pyspark.sql import SparkSession

    from pipeline.home import Home
    from pipeline.quality.rules import Suite

_REMEDY = "See state/log/table_expectations.log in the home; `python -m pipeline validate` judges again."


@dataclass(frozen=True)
class _Question:
    """A version of a table that is to be judged; its number is found in the answer."""

    number: int
    table: Path
    version: int
    suite: Suite
    at: datetime

    @property
    def key(self) -> tuple[Path, int]:
        return self.table, self.version

    def request(self, port: int, secret: str) -> dict[str, Any]:
        """Return what the process is asked, and where it finds the session's JVM."""
        names = {name for item in self.suite.table_expectations for name in item.parameters}
        return {
            "number": self.number,
            "port": port,
            "secret": secret,
            "table": self.table.name,
            "path": str(self.table),
            "version": self.version,
            "suite": self.suite.name,
            "names": [item.name for item in self.suite.table_expectations],
            "parameters": values_at(names, self.at),
        }

    def answered(self, answer: dict[str, Any]) -> Judged:
        expectations = self.suite.table_expectations
        if "problem" in answer:
            return Judged(self.at, tuple(unknown(item, answer["problem"]) for item in expectations), {})
        document: dict[str, Any] = answer["document"]
        return Judged(self.at, verdicts_of(document, expectations), document)


class TableJudge:
    """A second Python process that imports Great Expectations and shares the session's JVM.

    It starts when it is first needed and may serve many updates, which then need not wait for the import.
    """

    def __init__(self, home: Home, suites: Path, session: Callable[[], SparkSession]) -> None:
        self._session = session
        self._suites = suites
        self._log = home.log.with_name("table_expectations.log")
        self._process: subprocess.Popen[str] | None = None
        self._numbered = 0
        self._waiting: _Question | None = None
        self._heard: dict[tuple[Path, int], Judged] = {}

    def begin(self, table: Path, version: int, suite: Suite, now: datetime) -> None:
        """Have a version of a table judged meanwhile; `judge` takes up what comes of it."""
        # One at a time: two processes that each wait for the other to read would wait for ever.
        self._hear()
        port, secret = gateway_of(self._session())
        process = self._started()
        assert process.stdin is not None
        self._numbered += 1
        self._waiting = _Question(self._numbered, table, version, suite, now)
        try:
            process.stdin.write(json.dumps(self._waiting.request(port, secret)) + "\n")
            process.stdin.flush()
        except OSError:
            # It has ended; who listens for the answer learns of it.
            return

    def judge(self, table: Path, version: int, suite: Suite, now: datetime) -> Judged:
        """Return how a version of a table stands to its suite's table expectations.

        An expectation that could not be judged is neither passed nor failed. Where judging this version was begun
        earlier, that moment counts for the present.
        """
        key = (table, version)
        if key not in self._heard:
            if self._waiting is None or self._waiting.key != key:
                self.begin(table, version, suite, now)
            self._hear()
        return self._heard.pop(key)

    def forget(self) -> None:
        """Leave unheard what was begun and is of no use any more; the process stays."""
        self._waiting = None
        self._heard.clear()

    def close(self) -> None:
        """Have the process end, at once if it is judging still."""
        process, self._process = self._process, None
        question, self._waiting = self._waiting, None
        if process is None:
            return
        if question is not None:
            process.kill()
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

    def _started(self) -> subprocess.Popen[str]:
        """Return the process; one that is started now imports meanwhile, nothing waits for it here."""
        if self._process is not None and self._process.poll() is None:
            return self._process
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
        return self._process

    def _hear(self) -> None:
        """Take the answer to what was begun, if anything was."""
        question = self._waiting
        if question is None:
            return
        answer = self._answer(question)
        if answer is None:
            self.close()
            problem = f"Great Expectations ended before it had judged `{question.table.name}`."
            answer = {"problem": str(EnvironmentFaultError(problem, _REMEDY))}
        self._waiting = None
        self._heard[question.key] = question.answered(answer)

    def _answer(self, question: _Question) -> dict[str, Any] | None:
        """Return the answer to a question, past those that nobody waited for, or None if the process has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                answer: dict[str, Any] = json.loads(line)
                if answer["number"] == question.number:
                    return answer
        except OSError:
            return None
        except BaseException:
            # Half a line may have been read.
            self.close()
            raise
        return None
