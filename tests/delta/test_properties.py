"""Tables of this project are created with the same properties, whatever creates them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from alerts.history import History, Row
from pipeline.delta.batch import Batch
from pipeline.delta.properties import TABLE_PROPERTIES
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table
from pipeline.events.event import Origin
from pipeline.events.log import EventLog
from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from pipeline.ingest.file_state import FileRecord, FileState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def emit(folder: Path, number: int) -> None:
    log = EventLog(folder, FixedClock(NOON + number * timedelta(seconds=1)))
    log.emit(Origin("p1", "Orders"), "user_action", "step", {})
    log.flush()


def add_file(folder: Path, number: int) -> None:
    record = FileRecord(f"{number}.json", "ingested", 1, NOON, flow_id="f1", batch_id=number, batch_key=str(number))
    FileState(folder).add([record])


def evaluate(folder: Path, number: int) -> None:
    row = Row(
        alert="Hot", evaluated_at=NOON, state="OK", value="1", rows=0, evaluation_id=str(number), as_of=NOON,
        severity="warning", reason="", row_states="{}", duration_ms=1,
    )  # fmt: skip
    History(Home(folder), "smart_factory").append(row)


def has_checkpoint(table: Path) -> bool:
    return any((table / "_delta_log").glob("*.checkpoint.parquet"))


@pytest.mark.parametrize(
    ("write", "below"),
    [
        pytest.param(emit, "", id="event_log"),
        pytest.param(add_file, "", id="file_state"),
        pytest.param(evaluate, "smart_factory/alert_evaluations", id="alert_evaluations"),
    ],
)
def test_state_s_table_has_its_properties_and_a_checkpoint_after_ten_commits(
    write: Callable[[Path, int], None], below: str, tmp_path: Path
) -> None:
    table = tmp_path / "table" / below
    for number in range(9):
        write(tmp_path / "table", number)
    assert not has_checkpoint(table)
    write(tmp_path / "table", 9)
    assert has_checkpoint(table)
    assert DeltaTable(table).metadata().configuration == TABLE_PROPERTIES


@pytest.mark.spark
@pytest.mark.parametrize("few", [pytest.param(True, id="deltalake"), pytest.param(False, id="spark")])
def test_dataset_s_table_has_its_properties_and_is_read_from_a_checkpoint_after_ten_commits(
    few: bool, spark: SparkSession, tmp_path: Path
) -> None:
    table = Table(tmp_path / "table")
    for number in range(11):
        # Either engine goes on with what the other one began.
        rows = SparkRows(spark.range(number, number + 1), 1 if few ^ (number > 5) else None)
        table.append(rows, Batch("an update", "orders", "f1", number))
    assert has_checkpoint(table.path)
    assert DeltaTable(table.path).metadata().configuration == TABLE_PROPERTIES
    # Spark's is of the eleventh commit, deltalake's of the tenth.
    for commit in table.log.files()[:9]:
        commit.unlink()
    assert sorted(row.id for row in table.read(spark).collect()) == list(range(11))
    assert table.committed_batch("f1") == 10
