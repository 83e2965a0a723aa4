"""When alerts are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.schedule import Schedule
from tests.alerts.doubles import NOON


def test_interval_is_due_one_interval_later() -> None:
    assert Schedule.model_validate({"every": "2m"}).next_after(NOON) == NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("cron", "zone", "moment", "due"),
    [
        pytest.param("*/2 * * * *", "UTC", NOON, NOON + timedelta(minutes=2), id="every two minutes"),
        pytest.param(
            "0 8 * * MON-FRI",
            "Europe/Berlin",
            datetime(2026, 1, 2, 8, tzinfo=UTC),
            datetime(2026, 1, 5, 7, tzinfo=UTC),
            id="working days, winter",
        ),
        pytest.param(
            "0 8 * * *",
            "Europe/Berlin",
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            datetime(2026, 3, 29, 6, tzinfo=UTC),
            id="the day summer time begins",
        ),
    ],
)
def test_cron_is_due_by_its_time_zone(cron: str, zone: str, moment: datetime, due: datetime) -> None:
    assert Schedule.model_validate({"cron": cron, "timezone": zone}).next_after(moment) == due


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"every": "45s"}, "every 45 s"),
        ({"every": "2m"}, "every 2 min"),
        ({"every": "90m"}, "every 1 h 30 min"),
        ({"cron": "0 8 * * *"}, "cron 0 8 * * * (UTC)"),
        ({"cron": "0 8 * * *", "timezone": "Europe/Berlin", "paused": True}, "cron 0 8 * * * (Europe/Berlin), paused"),
    ],
)
def test_schedule_as_text_is_readable(declared: dict[str, object], text: str) -> None:
    assert str(Schedule.model_validate(declared)) == text
