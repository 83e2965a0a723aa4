"""Act 4, played in the tests' session."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from alerts.history import History
from demo.monitoring import act4
from demo.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _no_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMART_FACTORY_ALERT_URLS", "SMART_FACTORY_ALERT_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stage(spark: SparkSession, lakehouse: TestLakehouse) -> Iterator[Stage]:
    stage = Stage(lakehouse.home, Console(file=io.StringIO(), width=200))
    stage.__dict__["session"] = spark
    yield stage
    stage.judge.close()


def subjects(home: Path) -> list[str]:
    outbox = home / "state" / "alerts" / "outbox.jsonl"
    return [json.loads(line)["subject"] for line in outbox.read_text().splitlines()]


def test_act4_alone_and_again_notifies_of_the_overheating_and_of_its_end(stage: Stage) -> None:
    sent = ["[TRIGGERED] Overheating Equipment Alert", "[OK] Overheating Equipment Alert"]
    for times in (1, 2):
        act4(stage)
        assert stage.points == 6 * times
        assert subjects(stage.home.root) == sent * times
    states = [row.state for row in reversed(History(stage.home, "smart_factory").newest(10))]
    assert states == ["OK", "TRIGGERED", "OK"] * 2
    shown = stage.console.file.getvalue()  # type: ignore[attr-defined]
    assert "[TRIGGERED] Overheating Equipment Alert" in shown
    assert "Newly hot: MFG-A-1000" in shown
