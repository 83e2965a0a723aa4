"""An update as it was watched, and as the log has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.events.history import Record
from pipeline.events.summary import Summary
from pipeline.settings import load_settings
from pipeline.update.update import Update
from tests.conftest import reading

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def watched(lakehouse: TestLakehouse) -> Summary:
    settings = load_settings(lakehouse.settings_file)
    update = Update(lakehouse.home, settings, lakehouse.clock, lambda: lakehouse.spark, cause="TEST")
    live = Summary()
    update.log.listen(live.take)
    update.run()
    return live


def test_summary_from_the_log_equals_the_one_that_watched_the_update(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0, humidity_percent=30.0)])
    done = watched(lakehouse)
    assert (done.state, done.rows_in, done.rows_dropped, done.rows_warned) == ("COMPLETED", 3, 1, 1)
    assert "new column humidity_percent (from a.json)" in done.tables["bronze_sensor_readings"].notes
    assert done.tables["silver_quarantined_sensors"].quarantine_of == "silver_cleaned_sensors"
    lakehouse.path("gold_hourly_device_summary").rename(lakehouse.home.root / "elsewhere")
    lakehouse.path("gold_hourly_device_summary").write_text("a file in the way")
    lakehouse.land("b.json", [reading()])
    failed = watched(lakehouse)
    assert (failed.state, failed.failures) == ("FAILED", ["gold_hourly_device_summary"])
    assert len(failed.errors) == 1
    assert Record(lakehouse.home, "smart_factory").updates() == [failed, done]
