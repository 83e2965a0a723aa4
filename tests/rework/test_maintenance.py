"""Small files joined, unneeded ones deleted, and no row changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from pipeline.delta.table import Table
from pipeline.foundation.clock import FixedClock
from pipeline.foundation.errors import AuthorError, DataError, PipelineBusyError
from pipeline.home.lock import exclusive
from pipeline.rework.maintenance import advice, maintain
from pipeline.settings import load_settings
from tests.conftest import NOON, TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.home.places import Home
    from tests.conftest import TestLakehouse


def flow_of(lakehouse: TestLakehouse, table: str) -> str:
    return next(batch.flow_id for batch, _ in Table(lakehouse.path(table)).commits())


@pytest.mark.spark
@pytest.mark.slow
def test_maintenance_joins_files_of_tables_logs_and_state_and_the_next_update_goes_on(
    lakehouse: TestLakehouse,
) -> None:
    settings = load_settings()
    for number in range(3):
        lakehouse.land(f"{number}.json", [reading(), reading(None)])
        lakehouse.update()
    assert "python -m pipeline maintain" in (advice(lakehouse.home, settings, 3) or "")
    before = {table: lakehouse.rows(table) for table in TABLES}
    done = {one.table: one for one in maintain(lakehouse.home, settings, lakehouse.clock)}
    assert set(done) == {
        *(f"smart_factory/{table}" for table in (*TABLES, "event_log")),
        "state/files/smart_factory/bronze_sensor_readings",
    }
    assert {one.error for one in done.values()} == {None}
    for name in ("smart_factory/bronze_sensor_readings", "smart_factory/event_log"):
        assert done[name].removed_files > done[name].added_files == 1
        assert len(DeltaTable(lakehouse.home.root / name).file_uris()) == 1
    assert {table: lakehouse.rows(table) for table in TABLES} == before
    for table in TABLES[:3]:
        # The commits that say which batch they are will be deleted one day.
        assert DeltaTable(lakehouse.path(table)).transaction_version(flow_of(lakehouse, table)) == 2
    assert advice(lakehouse.home, settings, 3) is None
    lakehouse.land("after.json", [reading("MFG-A-1001")])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("silver_cleaned_sensors")) == 4


def test_retention_that_would_take_files_from_readers_is_refused(home: Home) -> None:
    with pytest.raises(AuthorError, match="Give --retention 7d or more"):
        maintain(home, load_settings(), FixedClock(NOON), timedelta(hours=1))


def test_maintenance_waits_for_nobody(home: Home) -> None:
    clock = FixedClock(NOON)
    with exclusive(home, clock, "update 1"), pytest.raises(PipelineBusyError, match="update 1"):
        maintain(home, load_settings(), clock)


def test_maintenance_leaves_a_lakehouse_with_unfinished_work_alone(home: Home) -> None:
    intent = home.state / "reprocess" / "smart_factory" / "t" / "intent.json"
    intent.parent.mkdir(parents=True)
    intent.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="has left work unfinished"):
        maintain(home, load_settings(), FixedClock(NOON))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    from pipeline.home.places import Home

    home = Home(tmp_path / "a home")
    home.make_writable()
    return home
