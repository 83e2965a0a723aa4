"""Commands run inside the tests' process, over the session that all tests share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from pipeline.settings import load_settings
from pipeline.spark import session as session_module
from tests.conftest import NOON
from tests.events.log_writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


class KeptSession:
    """A session that those who stop it leave running for the next test."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def stop(self) -> None:
        pass


@pytest.fixture
def _kept_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "build_session", lambda *_args, **_options: KeptSession(spark))


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


@pytest.fixture
def home(empty: Home) -> Home:
    """A home with a completed update and, five minutes later, one that failed."""
    clock = FixedClock(NOON)
    writer = LogWriter(empty, clock, load_settings().target_schema)
    writer.whole("0a1b2c3d-first", 10, dropped=2, warned=3)
    clock.advance(timedelta(minutes=5))
    failed = "9f8e7d6c-second"
    writer.begin(failed)
    error = ValueError("The disk is full.\nFree some.")
    error.__cause__ = OSError("no space")
    clock.advance(timedelta(seconds=7))
    writer.emit(failed, "flow_progress", "orders", status="FAILED", error=error, level="ERROR")
    writer.emit(failed, "flow_progress", "paid_orders", status="SKIPPED", level="WARN")
    writer.emit(failed, "update_progress", state="FAILED", error=error, level="ERROR")
    writer.log.flush()
    return empty
