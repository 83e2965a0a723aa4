"""The loop: on schedule, through failures, with a heartbeat."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alerts.evaluate import Evaluation
from alerts.heartbeat import UnhealthyError, last_beat
from alerts.poller import Poller
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from pipeline.warehouse.hive import WarehouseDownError
from tests.alerts.doubles import NOON, FakeDestination, FakeWarehouse, WaitingSteps, alert_of, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.model import Alert
    from pipeline.foundation.errors import LakehouseError
    from pipeline.notification.destination import Notification


class Bench:
    """A poller of one alert, with a clock that only advances when the poller waits."""

    def __init__(self, home: Path, **changes: Any) -> None:
        self.home = home
        self.clock = FixedClock(NOON)
        self.warehouse = FakeWarehouse()
        self.destination = FakeDestination()
        self.alert = alert_of(**changes)
        self.reported: list[tuple[datetime, str]] = []

    def run(self, minutes: float) -> None:
        poller = Poller(
            [self.alert],
            self.warehouse,
            settings_of(self.home),
            self.clock,
            find=lambda _: [self.destination],
            wait=WaitingSteps(self.clock, self.clock.now() + timedelta(minutes=minutes)),
            report=self.report,
        )
        poller.run()

    def report(self, _alert: Alert, outcome: Evaluation | LakehouseError) -> None:
        text = str(outcome.state) if isinstance(outcome, Evaluation) else "failed"
        self.reported.append((self.clock.now(), text))

    @property
    def minutes(self) -> list[int]:
        return [round((moment - NOON).total_seconds() / 60) for moment, _ in self.reported]


def test_alert_every_two_minutes_is_evaluated_at_the_start_and_every_two_minutes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(9)
    assert bench.minutes == [0, 2, 4, 6, 8]


def test_alert_by_cron_is_evaluated_at_the_start_and_on_schedule(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schedule={"cron": "*/5 * * * *"})
    bench.run(11)
    assert bench.minutes == [0, 5, 10]


def test_paused_alert_is_not_evaluated(tmp_path: Path) -> None:
    bench = Bench(tmp_path, schedule={"every": "2m", "paused": True})
    bench.run(9)
    assert bench.reported == []


def test_pending_notification_is_retried_between_evaluations(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.warehouse.hot = ["A"]
    bench.destination.refusals = 2
    bench.run(1.5)
    assert bench.minutes == [0]
    assert (bench.destination.attempts, len(bench.destination.taken)) == (3, 1)


def test_restarted_poller_sends_the_notifications_that_the_last_one_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.warehouse.hot = ["A"]
    bench.destination.refusals = 1
    bench.run(0.1)
    assert bench.destination.taken == []
    bench.run(1)
    assert bench.destination.subjects == ["[TRIGGERED] Hot"]


def test_warehouse_down_for_a_while_is_notified_once_and_recovers(tmp_path: Path) -> None:
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
    heartbeat = last_beat(Home(tmp_path), bench.clock.now())
    assert heartbeat.states == {"hot": "OK"}
    assert bench.clock.now() - heartbeat.beat_at <= timedelta(minutes=1)


def test_old_heartbeat_is_unhealthy(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(1)
    with pytest.raises(UnhealthyError, match="heartbeat"):
        last_beat(Home(tmp_path), bench.clock.now() + timedelta(minutes=6))


@pytest.mark.parametrize("text", [None, "{"])
def test_heartbeat_that_is_missing_or_broken_is_unhealthy(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        path = tmp_path / "state" / "alerts" / "heartbeat" / "watch.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    with pytest.raises(UnhealthyError, match="no heartbeat"):
        last_beat(Home(tmp_path), NOON)


class BrokenDestination(FakeDestination):
    def send(self, notification: Notification) -> None:
        del notification
        raise ZeroDivisionError


def test_unforeseen_error_ends_one_evaluation_and_not_the_loop(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.warehouse.hot = ["A"]
    bench.destination = BrokenDestination()
    bench.run(3)
    assert {text for _, text in bench.reported} == {"failed"}
    bench.destination = FakeDestination()
    bench.run(3)
    assert bench.reported[-1][1] == "TRIGGERED"
    assert bench.destination.subjects == ["[TRIGGERED] Hot"]
