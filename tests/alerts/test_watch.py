"""The loop: on schedule, through failures, with a sign of life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alerts.evaluate import Evaluation
from alerts.heartbeat import UnhealthyError, last_beat
from alerts.warehouse import WarehouseDownError
from alerts.watch import Watch
from pipeline.clock import FixedClock
from tests.alerts.doubles import NOON, FakeDestination, FakeWarehouse, WaitingSteps, alert_of

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.model import Alert
    from pipeline.errors import LakehouseError


class Bench:
    """A watch over one alert for some minutes of a clock that only moves when it waits."""

    def __init__(self, home: Path, **changes: Any) -> None:
        self.home = home
        self.clock = FixedClock(NOON)
        self.warehouse = FakeWarehouse()
        self.destination = FakeDestination()
        self.alert = alert_of(**changes)
        self.reported: list[tuple[datetime, str]] = []

    def run(self, minutes: float) -> None:
        watch = Watch(
            [self.alert],
            self.warehouse,
            self.home,
            self.clock,
            find=lambda _: [self.destination],
            wait=WaitingSteps(self.clock, self.clock.now() + timedelta(minutes=minutes)),
            report=self.report,
        )
        watch.run()

    def report(self, _alert: Alert, outcome: Evaluation | LakehouseError) -> None:
        text = str(outcome.state) if isinstance(outcome, Evaluation) else "failed"
        self.reported.append((self.clock.now(), text))

    @property
    def minutes(self) -> list[int]:
        return [round((moment - NOON).total_seconds() / 60) for moment, _ in self.reported]


def test_alert_every_two_minutes_is_evaluated_at_the_start_and_so_often(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(9)
    assert bench.minutes == [0, 2, 4, 6, 8]


def test_alert_by_cron_is_evaluated_at_the_start_and_then_by_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schedule={"cron": "*/5 * * * *"})
    bench.run(11)
    assert bench.minutes == [0, 5, 10]


def test_paused_alert_is_left_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schedule={"every": "2m", "paused": True})
    bench.run(9)
    assert bench.reported == []


def test_undelivered_notification_is_tried_again_between_evaluations(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.warehouse.hot = ["A"]
    bench.destination.refusals = 2
    bench.run(1.5)
    assert bench.minutes == [0]
    assert (bench.destination.attempts, len(bench.destination.taken)) == (3, 1)


def test_watch_that_starts_anew_takes_up_what_the_last_one_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.warehouse.hot = ["A"]
    bench.destination.refusals = 1
    bench.run(0.1)
    assert bench.destination.taken == []
    bench.run(1)
    assert bench.destination.subjects == ["[TRIGGERED] Hot"]


def test_warehouse_down_for_a_while_is_told_once_and_recovers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(1)
    bench.warehouse.error = WarehouseDownError("The warehouse is down.", "Start it.")
    bench.run(7)
    bench.warehouse.error = None
    bench.run(3)
    assert bench.destination.subjects == ["[ERROR] Hot", "[OK] Hot"]


def test_state_that_cannot_be_written_is_reported_and_the_loop_goes_on(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    bench = Bench(tmp_path)
    bench.run(5)
    assert {text for _, text in bench.reported} == {"failed"}
    (tmp_path / "state").unlink()
    bench.run(3)
    assert bench.reported[-1][1] == "OK"


def test_heartbeat_while_watching_is_recent(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(5)
    heartbeat = last_beat(tmp_path, bench.clock.now())
    assert heartbeat.states == {"hot": "OK"}
    assert bench.clock.now() - heartbeat.beat_at <= timedelta(minutes=1)


def test_heartbeat_of_long_ago_is_unhealthy(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(1)
    with pytest.raises(UnhealthyError, match="last got on"):
        last_beat(tmp_path, bench.clock.now() + timedelta(minutes=6))


@pytest.mark.parametrize("text", [None, "{"])
def test_heartbeat_that_is_missing_or_broken_is_unhealthy(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        path = tmp_path / "state" / "alerts" / "heartbeat" / "watch.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    with pytest.raises(UnhealthyError, match="No sign of life"):
        last_beat(tmp_path, NOON)
