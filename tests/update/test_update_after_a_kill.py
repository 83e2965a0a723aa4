"""What an update finds half done it finishes, and nothing is written or counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from pipeline.delta.snapshot import Snapshot
from pipeline.delta.table import Table
from pipeline.events.log import EventLog
from tests.conftest import reading

if TYPE_CHECKING:
    from pipeline.delta.batch import Batch
    from pipeline.delta.write.files import DataFiles
    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_batches_committed_but_not_checkpointed_are_written_and_counted_once(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    lakehouse.update()
    checkpoints = lakehouse.home.state / "checkpoints" / "smart_factory"
    commits = list(checkpoints.glob("*/*/commits/[0-9]*"))
    assert len(commits) == 4
    for commit in commits:
        commit.unlink()
        commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)
    lakehouse.land("b.json", [reading()])
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("bronze_sensor_readings")) == 3
    assert sum(metrics["num_files"] for metrics in lakehouse.metrics("bronze_sensor_readings")) == 2


@pytest.mark.parametrize("table", ["bronze_sensor_readings", "silver_cleaned_sensors", "gold_hourly_device_summary"])
def test_batch_committed_but_not_on_record_is_counted_by_the_next_update(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0)])
    tell = EventLog.emit

    def lost(self: EventLog, origin: Any, *given: Any, **options: Any) -> Any:
        if origin.dataset_name == table and options.get("level") == "METRICS":
            raise OSError(28, "No space left on device")
        return tell(self, origin, *given, **options)

    monkeypatch.setattr(EventLog, "emit", lost)
    assert lakehouse.update().statuses[table] == "FAILED"
    monkeypatch.undo()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    quality = lakehouse.quality("silver_cleaned_sensors")
    assert [(item["dropped_records"], item["warned_records"]) for item in quality] == [(1, 1)]


@pytest.mark.usefixtures("many")
def test_first_batch_cut_short_between_its_files_and_its_commit_is_done_by_the_next_update(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    for table in ("bronze_sensor_readings", "silver_cleaned_sensors"):
        add = Snapshot.add

        def fails(self: Snapshot, written: DataFiles, batch: Batch, table: str = table, add: Any = add) -> None:
            if written.folder.name == table:
                raise OSError(28, "No space left on device")
            add(self, written, batch)

        with monkeypatch.context() as patched:
            patched.setattr(Snapshot, "add", fails)
            assert lakehouse.update().statuses[table] == "FAILED"
        path = lakehouse.path(table)
        assert list(path.glob("*.parquet"))
        assert not DeltaTable.is_deltatable(str(path))
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("bronze_sensor_readings")) == 2


@pytest.mark.usefixtures("amount")
def test_quarantine_cut_short_is_filled_by_the_next_update(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    append = Table.append

    def fails_at_quarantine(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == "silver_quarantined_sensors":
            raise OSError(28, "No space left on device")
        return append(self, *given, **options)

    monkeypatch.setattr(Table, "append", fails_at_quarantine)
    result = lakehouse.update()
    assert result.state == "FAILED"
    assert result.statuses == {
        "bronze_sensor_readings": "COMPLETED",
        "silver_cleaned_sensors": "FAILED",
        "silver_quarantined_sensors": "FAILED",
        "gold_hourly_device_summary": "SKIPPED",
        "gold_device_status": "SKIPPED",
    }
    assert "No space left on device" in str(result.errors["silver_cleaned_sensors"])
    assert len(lakehouse.rows("silver_cleaned_sensors")) == 1
    monkeypatch.undo()
    assert lakehouse.update().state == "COMPLETED"
    lakehouse.assert_invariants()
    assert len(lakehouse.rows("silver_quarantined_sensors")) == 1


def test_flow_that_fails_before_its_query_starts_stops_only_what_needs_it(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update(refresh=("bronze_sensor_readings",))
    committed_batch = Table.committed_batch

    def damaged(self: Table, flow_id: str) -> int:
        if self.path.name == "bronze_sensor_readings":
            raise ValueError("the log is damaged\nin several places")
        return committed_batch(self, flow_id)

    monkeypatch.setattr(Table, "committed_batch", damaged)
    result = lakehouse.update()
    assert result.state == "FAILED"
    assert set(result.statuses.values()) == {"FAILED", "SKIPPED"}
    assert "ValueError: the log is damaged See state/log/spark.log" in str(result.errors["bronze_sensor_readings"])


def test_position_that_is_gone_is_refused_with_the_remedy_and_no_row_twice(lakehouse: TestLakehouse) -> None:
    lakehouse.land("a.json", [reading()])
    lakehouse.update(refresh=("bronze_sensor_readings",))
    (checkpoint,) = (lakehouse.home.state / "checkpoints" / "smart_factory" / "bronze_sensor_readings").glob(
        "*/offsets"
    )
    for offset in checkpoint.iterdir():
        offset.unlink()
    result = lakehouse.update(refresh=("bronze_sensor_readings",))
    assert "--full-refresh bronze_sensor_readings" in str(result.errors["bronze_sensor_readings"])
    assert len(lakehouse.rows("bronze_sensor_readings")) == 1
