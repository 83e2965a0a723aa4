"""An alert with everything that its evaluations depend on under a test's control."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerts.evaluate import Evaluation, evaluate
from pipeline.delta.table import Table
from pipeline.foundation.clock import FixedClock
from tests.alerts.doubles import NOON, FakeDestination, FakeWarehouse, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.model import Alert

MINUTE = timedelta(minutes=1)


class Bench:
    """An alert with everything around it under a test's control."""

    def __init__(self, home: Path, alert: Alert) -> None:
        self.home = home
        self.settings = settings_of(home)
        self.alert = alert
        self.clock = FixedClock(NOON)
        self.warehouse = FakeWarehouse()
        self.destinations = [FakeDestination()]

    def tick(self, *hot: str, **options: Any) -> Evaluation:
        self.clock.advance(2 * MINUTE)
        self.warehouse.hot = hot
        return evaluate(
            self.alert, self.warehouse, self.settings, self.clock, destinations=self.destinations, **options
        )

    @property
    def notified(self) -> list[str]:
        return [subject.split("]")[0][1:] for subject in self.destinations[0].subjects]

    @property
    def rows(self) -> list[dict[str, Any]]:
        table = Table(self.home / "smart_factory" / "alert_evaluations").rows()
        return sorted(table.to_pylist(), key=lambda row: row["evaluated_at"])
