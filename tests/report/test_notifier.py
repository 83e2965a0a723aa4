"""Which notifications are sent, and what happens to those that cannot be delivered."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from pipeline.events.event import Origin
from pipeline.events.log import EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.report.notifier import Notifier
from pipeline.settings import load_settings
from tests.alerts.doubles import webhook
from tests.conftest import NOON

with warnings.catch_warnings():
    # Apprise's own warnings on Python's mail parsers, once.
    warnings.simplefilter("ignore")
    import apprise.plugins.email.base  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECRET = "pathtoken99"


def notifications_of(
    folder: Path, notifications: dict[str, Any], *events: tuple[str, dict[str, Any], BaseException | None]
) -> list[Any]:
    """Emit events, and return the details of their notifications."""
    file = folder / "a.yml"
    file.write_text(
        json.dumps({"name": "A", "schema": "a", "source": "a.py", "expectations": "e", "notifications": notifications})
    )
    log = EventLog(folder / "event_log", FixedClock(NOON))
    noted: list[Any] = []
    log.listen(lambda event: noted.append(event) if event.event_type == "hook_progress" else None)
    notifier = Notifier(load_settings(file), log, "an-update")
    for event_type, details, error in events:
        log.emit(
            Origin("p", "A", dataset_name="gold", flow_name="gold"),
            event_type,
            f"It is {details}.",
            details,
            error=error,
        )
    notifier.finish(20)
    log.flush()
    return noted


def test_each_moment_notifies_only_its_own_destinations(tmp_path: Path) -> None:
    with webhook() as start, webhook() as failure:
        noted = notifications_of(
            tmp_path,
            {"on_update_start": [start.url], "on_flow_failure": [failure.url]},
            ("update_progress", {"state": "INITIALIZING"}, None),
            ("update_progress", {"state": "RUNNING"}, None),
            ("flow_progress", {"status": "FAILED"}, ValueError("the rows are odd")),
            ("update_progress", {"state": "FAILED"}, None),
        )
    assert [(event.details["name"], event.details["status"]) for event in noted] == [
        ("on_update_start", "COMPLETED"),
        ("on_flow_failure", "COMPLETED"),
    ]
    assert len(start.texts) == len(failure.texts) == 1
    assert "the rows are odd" in failure.texts[0]


def test_what_cannot_be_delivered_is_an_event_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTORY_TOKEN", SECRET)
    noted = notifications_of(
        tmp_path,
        {
            "on_update_success": [
                "json://127.0.0.1:1/${FACTORY_TOKEN}",
                "nosuch://" + SECRET,
                "json://127.0.0.1:1/${NOT_SET_HERE}",
            ]
        },
        ("update_progress", {"state": "COMPLETED"}, None),
    )
    assert [event.details["status"] for event in noted] == ["FAILED"] * 3
    reasons = [event.details["reason"] for event in noted]
    assert "did not accept the notification" in reasons[0]
    assert "not an address that Apprise knows" in reasons[1]
    assert reasons[2] == "the environment has no NOT_SET_HERE"
    assert SECRET not in json.dumps([event.row() for event in noted], default=str)
