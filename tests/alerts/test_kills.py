"""The poller killed with SIGKILL at random moments."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from alerts.evaluate import deliver_pending
from alerts.history import History, Row
from alerts.settings import find_destinations
from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from tests.alerts.doubles import alert_of, settings_of, webhook

ROOT = Path(__file__).resolve().parents[2]


def run_and_kill(home: Path, state: Path, url: str, lifetime_seconds: float) -> None:
    command = [sys.executable, "-m", "tests.alerts.killable_poller", str(home), str(state), url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as poller:
        assert poller.stdout is not None
        assert poller.stdout.readline() == b"Evaluation\n"
        time.sleep(lifetime_seconds)
        poller.kill()
        poller.wait()


def changes_of_state(rows: list[Row]) -> list[Row]:
    before = ["OK", *(row.state for row in rows)]
    return [row for row, state in zip(rows, before, strict=False) if row.state != state]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.chaos)])
def test_poller_killed_at_random_loses_no_notification(tmp_path: Path, kills: int) -> None:
    chance = random.Random(kills)
    state = tmp_path / "queries.txt"
    with webhook() as slack:
        for _ in range(kills):
            run_and_kill(tmp_path, state, slack.url, chance.uniform(0.0, 0.6))
        settings = settings_of(tmp_path, alert_urls=slack.url)
        destinations = find_destinations(settings, ())
        assert deliver_pending(alert_of(), settings, SystemClock(), destinations, retry_at_once=True) is None
    rows = list(reversed(History(Home(tmp_path), "smart_factory").latest("Hot", 100_000)))
    changes = changes_of_state(rows)
    assert len(changes) >= kills
    assert len({row.evaluation_id for row in rows}) == len(rows)
    assert [row.notification_id for row in rows if row.notification_id] == [row.notification_id for row in changes]
    assert all(row.notified for row in changes)
    arrivals = Counter(slack.ids)
    assert set(arrivals) == {row.notification_id for row in changes}
    assert sum(arrivals.values()) - len(arrivals) <= kills


def test_two_pollers_at_once_notify_of_each_transition_once(tmp_path: Path) -> None:
    state = tmp_path / "queries.txt"
    with webhook() as slack:
        command = [sys.executable, "-m", "tests.alerts.killable_poller", str(tmp_path), str(state), slack.url]
        pollers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
        deadline = time.monotonic() + 60
        while len(slack.ids) < 6 and time.monotonic() < deadline:
            time.sleep(0.1)
        for poller in pollers:
            poller.kill()
            poller.wait()
        settings = settings_of(tmp_path, alert_urls=slack.url)
        destinations = find_destinations(settings, ())
        deliver_pending(alert_of(), settings, SystemClock(), destinations, retry_at_once=True)
    rows = list(reversed(History(Home(tmp_path), "smart_factory").latest("Hot", 100_000)))
    changes = changes_of_state(rows)
    assert len(changes) > 2
    assert [row.notification_id for row in rows if row.notification_id] == [row.notification_id for row in changes]
    assert set(slack.ids) == {row.notification_id for row in changes}
    # Only a kill repeats a notification, and each poller was killed once.
    assert len(slack.ids) - len(changes) <= len(pollers)
