"""The loop that evaluates alerts on schedule and retries pending notifications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.evaluate import Evaluation, deliver_pending, evaluate
from alerts.heartbeat import beat
from alerts.rendering import RENDERER
from pipeline.foundation.errors import LakehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alerts.model import Alert
    from alerts.settings import Settings
    from pipeline.foundation.clock import Clock
    from pipeline.notification.destination import Destination
    from pipeline.warehouse.hive import Warehouse

LONGEST_SLEEP = timedelta(seconds=30)
_SHORTEST_SLEEP = timedelta(milliseconds=10)
_PAUSE_AFTER_FAULT = timedelta(seconds=15)


@dataclass
class Poller:
    """Evaluates alerts when they are due, until it is asked to stop.

    Each alert is evaluated once at the start. An evaluation that was missed during a long other one is skipped.
    An error ends one alert's evaluation, not the loop.

    Attributes:
        alerts: The alerts. Paused ones are not evaluated, but their pending notifications are sent.
        warehouse: Answers their queries.
        settings: The lakehouse and its schema.
        clock: Decides what is due.
        find: Returns where an alert's notifications go; called for each evaluation.
        wait: Waits for a duration and returns whether to stop.
        report: Called with each evaluation, or with the error that ended it.
    """

    alerts: Sequence[Alert]
    warehouse: Warehouse
    settings: Settings
    clock: Clock
    find: Callable[[Alert], Sequence[Destination]]
    wait: Callable[[timedelta], bool]
    report: Callable[[Alert, Evaluation | LakehouseError], None]

    def __post_init__(self) -> None:
        self._due = {alert.key: self.clock.now() for alert in self.alerts if not alert.spec.schedule.paused}
        self._retry = {alert.key: self.clock.now() for alert in self.alerts}
        self._states: dict[str, str] = {}

    def run(self) -> None:
        """Evaluate on schedule until `wait` returns True."""
        self._beat()
        # Starts the process of the templates before a message waits for it.
        RENDERER.render("", {})
        while not self.wait(self._time_left()):
            for alert in self.alerts:
                self._tend(alert)
                self._beat()

    def _time_left(self) -> timedelta:
        now = self.clock.now()
        next_moment = min([*self._due.values(), *self._retry.values()], default=now + LONGEST_SLEEP)
        return min(LONGEST_SLEEP, max(_SHORTEST_SLEEP, next_moment - now))

    def _tend(self, alert: Alert) -> None:
        now = self.clock.now()
        is_due = alert.key in self._due and self._due[alert.key] <= now
        is_retry_due = alert.key in self._retry and self._retry[alert.key] <= now
        if is_due:
            self._due[alert.key] = self._following(alert, now)
        try:
            if is_due:
                self._evaluate(alert)
            if is_due or is_retry_due:
                self._deliver(alert)
        except Exception as unforeseen:  # noqa: BLE001 - one alert must not end the others
            error = unforeseen if isinstance(unforeseen, LakehouseError) else _unexpected(unforeseen)
            self._states[alert.key] = "ERROR"
            self._retry[alert.key] = self.clock.now() + _PAUSE_AFTER_FAULT
            self.report(alert, error)

    def _following(self, alert: Alert, now: datetime) -> datetime:
        due = alert.spec.schedule.next_after(self._due[alert.key])
        return due if due > now else alert.spec.schedule.next_after(now)

    def _evaluate(self, alert: Alert) -> None:
        destinations = self.find(alert)
        evaluation = evaluate(
            alert, self.warehouse, self.settings, self.clock, destinations=destinations, retry_at_once=False
        )
        self._states[alert.key] = str(evaluation.state)
        self.report(alert, evaluation)

    def _deliver(self, alert: Alert) -> None:
        retry = deliver_pending(alert, self.settings, self.clock, self.find(alert))
        self._retry.pop(alert.key, None)
        if retry is not None:
            self._retry[alert.key] = retry

    def _beat(self) -> None:
        try:
            beat(self.settings.home, self.clock.now(), self._states)
        except LakehouseError:
            # `health` notices the missing heartbeat; meanwhile the alerts may still work.
            return


def _unexpected(error: Exception) -> LakehouseError:
    problem = f"Unexpected {type(error).__name__}: {error}."
    return LakehouseError(problem, "Run `python -m alerts check --debug` and report what it prints.")
