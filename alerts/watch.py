"""The loop that evaluates alerts on schedule and tries undelivered notifications again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.evaluate import Evaluation, deliver_waiting, evaluate
from alerts.heartbeat import beat
from pipeline.errors import LakehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alerts.deliver import Destination
    from alerts.model import Alert
    from alerts.warehouse import Warehouse
    from pipeline.clock import Clock

LONGEST_SLEEP = timedelta(seconds=30)
_SHORTEST_SLEEP = timedelta(milliseconds=10)
_PAUSE_AFTER_FAULT = timedelta(seconds=15)


class Watch:
    """Evaluates alerts when they are due, until it is told to stop.

    An evaluation missed while another took its time is skipped, not caught up with. What fails, fails for one
    alert and one evaluation: the loop goes on. Each alert is evaluated once at the start.

    Args:
        alerts: The alerts; paused ones are left out, but their undelivered notifications are not.
        warehouse: Answers their queries.
        home: The lakehouse's folder.
        clock: Tells the time.
        find: Returns where an alert's notifications go; asked anew at every tick.
        wait: Waits for a duration and returns whether to stop.
        report: Is given each evaluation, or the error in its place.
    """

    def __init__(
        self,
        alerts: Sequence[Alert],
        warehouse: Warehouse,
        home: Path,
        clock: Clock,
        *,
        find: Callable[[Alert], Sequence[Destination]],
        wait: Callable[[timedelta], bool],
        report: Callable[[Alert, Evaluation | LakehouseError], None],
    ) -> None:
        self._alerts = alerts
        self._warehouse = warehouse
        self._home = home
        self._clock = clock
        self._find = find
        self._wait = wait
        self._report = report
        self._due = {alert.key: clock.now() for alert in alerts if not alert.spec.schedule.paused}
        self._retry = {alert.key: clock.now() for alert in alerts}
        self._states: dict[str, str] = {}

    def run(self) -> None:
        """Evaluate on schedule until `wait` says to stop."""
        self._beat()
        while not self._wait(self._time_left()):
            for alert in self._alerts:
                self._tend(alert)
                self._beat()

    def _time_left(self) -> timedelta:
        now = self._clock.now()
        next_moment = min([*self._due.values(), *self._retry.values()], default=now + LONGEST_SLEEP)
        return min(LONGEST_SLEEP, max(_SHORTEST_SLEEP, next_moment - now))

    def _tend(self, alert: Alert) -> None:
        now = self._clock.now()
        is_due = alert.key in self._due and self._due[alert.key] <= now
        is_retry_due = alert.key in self._retry and self._retry[alert.key] <= now
        if is_due:
            self._due[alert.key] = self._following(alert, now)
        try:
            if is_due:
                self._evaluate(alert)
            if is_due or is_retry_due:
                self._deliver(alert)
        except LakehouseError as error:
            self._states[alert.key] = "ERROR"
            self._retry[alert.key] = self._clock.now() + _PAUSE_AFTER_FAULT
            self._report(alert, error)

    def _following(self, alert: Alert, now: datetime) -> datetime:
        due = alert.spec.schedule.next_after(self._due[alert.key])
        return due if due > now else alert.spec.schedule.next_after(now)

    def _evaluate(self, alert: Alert) -> None:
        destinations = self._find(alert)
        evaluation = evaluate(
            alert, self._warehouse, self._home, self._clock, destinations=destinations, retry_at_once=False
        )
        self._states[alert.key] = str(evaluation.state)
        self._report(alert, evaluation)

    def _deliver(self, alert: Alert) -> None:
        retry = deliver_waiting(alert, self._home, self._clock, self._find(alert))
        self._retry.pop(alert.key, None)
        if retry is not None:
            self._retry[alert.key] = retry

    def _beat(self) -> None:
        try:
            beat(self._home, self._clock.now(), self._states)
        except LakehouseError:
            # A full disk shows in `health`, which misses the beat; the alerts are still worth a try.
            return
