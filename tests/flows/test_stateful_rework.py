"""What becomes of a table with state when its query, its sources or its stored rows change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import AuthorError, DamagedStateError
from pipeline.selection import ReplayRequest
from tests.flows.messages import GUARDED_ONCE, ONCE, land, messages, rows
from tests.quality.suite_files import expectation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

COUNTED = """
@table
def counted():
    return read_stream("messages").groupBy("device").count()
"""


def test_changed_query_is_refused_before_anything_is_written_until_a_full_refresh(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    land(home, "a.json", ("m1", "P1"), ("m2", "P1"))
    home.update()
    before = home.version("once")
    messages(lakehouse, tmp_path, ONCE.replace('"messages")', '"messages").where("device <> \'P1\'")'))
    land(home, "b.json", ("m1", "P2"), ("m3", "P2"))
    result = home.update()

    error = result.errors["once"]
    assert isinstance(error, AuthorError)
    assert "the query of `once` has changed" in error.problem
    assert "--full-refresh once" in error.remedy
    assert (home.version("once"), len(home.rows("messages"))) == (before, 4)
    assert home.update(full_refresh=("once",)).state == "COMPLETED"
    assert rows(home, "once", "id", "device") == [("m1", "P2"), ("m3", "P2")]


def test_new_column_of_the_source_passes_through_a_table_with_state(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    land(home, "a.json", ("m1", "P1"))
    home.update()
    home.land("b.json", [{"id": "m1", "unit": "C"}, {"id": "m2", "unit": "C"}], folder="messages")
    assert home.update().state == "COMPLETED"

    assert rows(home, "once", "id", "unit") == [("m1", None), ("m2", "C")]


def test_state_of_whole_rows_is_refused_when_they_get_a_column(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE.replace('dropDuplicates(["id"])', 'drop("record_id").distinct()'))
    land(home, "a.json", ("m1", "P1"))
    home.update()
    home.land("b.json", [{"id": "m2", "unit": "C"}], folder="messages")
    error = home.update().errors["once"]

    assert isinstance(error, AuthorError)
    assert "--full-refresh once" in error.remedy
    assert rows(home, "once", "id") == [("m1",)]
    assert home.update(full_refresh=("once",)).state == "COMPLETED"
    assert rows(home, "once", "id") == [("m1",), ("m2",)]


def test_state_of_another_spark_is_refused(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, COUNTED)
    land(home, "a.json", ("m1", "P1"))
    home.update()
    (record,) = (home.home.state / "checkpoints" / "messages" / "counted").glob("*/query.json")
    recorded = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**recorded, "spark": "4.1"}), encoding="utf-8")
    land(home, "b.json", ("m2", "P1"))
    error = home.update().errors["counted"]

    assert isinstance(error, AuthorError)
    assert "was written by Spark 4.1" in error.problem
    assert rows(home, "counted", "device", "count") == [("P1", 1)]


def test_lost_state_stops_the_flow_and_names_the_full_refresh(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    land(home, "a.json", ("m1", "P1"))
    home.update()
    (state,) = (home.home.state / "checkpoints" / "messages" / "once").glob("*/state")
    state.rename(state.with_name("gone"))
    land(home, "b.json", ("m1", "P1"))
    error = home.update().errors["once"]

    assert isinstance(error, DamagedStateError)
    assert "--full-refresh once" in error.remedy
    assert rows(home, "once", "id") == [("m1",)]


def test_number_of_partitions_stays_that_of_the_state(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, COUNTED)
    land(home, "a.json", ("m1", "P1"), ("m2", "P2"), ("m3", "P3"))
    home.update()
    before = home.spark.conf.get("spark.sql.shuffle.partitions")
    home.spark.conf.set("spark.sql.shuffle.partitions", "3")
    try:
        land(home, "b.json", ("m4", "P1"), ("m5", "P4"))
        assert home.update().state == "COMPLETED"
    finally:
        home.spark.conf.set("spark.sql.shuffle.partitions", str(before))

    assert rows(home, "counted", "device", "count") == [("P1", 2), ("P2", 1), ("P3", 1), ("P4", 1)]


def test_full_refresh_forgets_the_state(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE + COUNTED)
    land(home, "a.json", ("m1", "P1"), ("m1", "P1"))
    home.update()
    assert home.update(full_refresh_all=True).state == "COMPLETED"

    assert rows(home, "once", "id") == [("m1",)]
    assert rows(home, "counted", "device", "count") == [("P1", 2)]
    assert home.counted_by_events("once", "counted") == {"once": 1, "counted": 1}


def test_reprocessing_a_file_whose_rows_a_state_has_read_is_refused(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, ONCE)
    file = land(home, "a.json", ("m1", "P1"))
    home.update()
    before = home.version("messages"), home.version("once")

    with pytest.raises(AuthorError, match="`once` keeps state") as raised:
        home.update(reprocess_files=(file.name,))

    assert raised.value.remedy == "Run `python -m pipeline run --full-refresh messages` instead."
    assert (home.version("messages"), home.version("once")) == before


def test_replaying_rows_that_a_query_with_state_made_is_refused(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    known = expectation("column_values_to_not_be_null", "known", "drop", column="device")
    home = messages(lakehouse, tmp_path, GUARDED_ONCE, once=[known])
    land(home, "a.json", ("m1", None))
    home.update()

    with pytest.raises(AuthorError, match="`unknown` has rows that the query of `once` made"):
        home.update(replay=ReplayRequest("unknown"))
    assert rows(home, "unknown", "id") == [("m1",)]
