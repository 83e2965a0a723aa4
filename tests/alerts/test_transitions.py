"""Two hundred evaluations with real servers that fail at random."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from apprise.plugins.email.base import NotifyEmail

from alerts.evaluate import deliver_pending, evaluate
from alerts.history import History
from alerts.settings import find_destinations
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from tests.alerts.doubles import NOON, FakeWarehouse, Faults, alert_of, mail_server, settings_of, webhook

if TYPE_CHECKING:
    from pathlib import Path

EVALUATIONS = 200


def schedule_of_heat(seed: int) -> list[tuple[str, ...]]:
    """Return which devices are hot at each evaluation; long stretches are calm or unchanged."""
    chance = random.Random(seed)
    heat: list[tuple[str, ...]] = [()]
    while len(heat) < EVALUATIONS:
        changes = chance.random() < 0.25
        heat.append(tuple(sorted(chance.sample("ABCDE", chance.choice([0, 0, 1, 3])))) if changes else heat[-1])
    return heat


@pytest.fixture
def _unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the test Apprise's pause of 5.5 s between two mails of one backlog."""
    monkeypatch.setattr(NotifyEmail, "request_rate_per_sec", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("_unthrottled")
def test_two_hundred_evaluations_with_receivers_failing_at_random_notify_of_each_transition_once(
    tmp_path: Path,
) -> None:
    heat = schedule_of_heat(seed=7)
    transitions = sum(1 for before, after in itertools.pairwise(heat) if before != after)
    alert, clock, warehouse = alert_of(), FixedClock(NOON), FakeWarehouse()
    with webhook(Faults(1, refused=0.4)) as slack, mail_server(Faults(2, refused=0.3)) as mail:
        settings = settings_of(tmp_path, alert_urls=f"{slack.url}, {mail.url}")
        for hot in heat:
            warehouse.hot = hot
            evaluate(alert, warehouse, settings, clock, destinations=find_destinations(settings, ()))
            clock.advance(timedelta(minutes=2))
        while deliver_pending(alert, settings, clock, find_destinations(settings, ())) is not None:
            clock.advance(timedelta(minutes=1))
    rows = list(reversed(History(Home(tmp_path), "smart_factory").latest("Hot", 1000)))
    asked_for = [row.notification_id for row in rows if row.notification_id]
    assert len(rows) == EVALUATIONS
    assert len(asked_for) == transitions > 20
    assert slack.ids == asked_for
    assert mail.ids == asked_for
    assert all(row.notified and row.delivery_error is None for row in rows if row.notification_id)


def test_replies_lost_at_random_repeat_a_message_under_its_id_only(tmp_path: Path) -> None:
    heat = schedule_of_heat(seed=11)[:60]
    alert, clock, warehouse = alert_of(), FixedClock(NOON), FakeWarehouse()
    with webhook(Faults(3, refused=0.1, reply_lost=0.2)) as slack:
        settings = settings_of(tmp_path, alert_urls=slack.url)
        for hot in heat:
            warehouse.hot = hot
            evaluate(alert, warehouse, settings, clock, destinations=find_destinations(settings, ()))
            clock.advance(timedelta(minutes=2))
        while deliver_pending(alert, settings, clock, find_destinations(settings, ())) is not None:
            clock.advance(timedelta(minutes=1))
    asked_for = [
        row.notification_id
        for row in History(Home(tmp_path), "smart_factory").latest("Hot", 1000)
        if row.notification_id
    ]
    arrivals = Counter(slack.ids)
    assert set(arrivals) == set(asked_for)
    assert max(arrivals.values()) > 1
