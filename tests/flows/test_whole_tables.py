"""Tables that are read whole: they count as empty until something has filled them, and never once they are lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.flows.open import open_lakehouse
from pipeline.flows.whole_table import all_rows
from pipeline.foundation.errors import DamagedStateError
from pipeline.selection import ReplayRequest
from pipeline.settings import load_settings
from tests.flows.messages import land, messages, rows
from tests.quality.suite_files import expectation

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.flows.open import Lakehouse
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

TABLES = """
@table
def devices():
    return read_files("devices", schema_hints="device STRING, hall STRING").select("device", "hall")

@table(expectations="placed", quarantine="unknown")
def placed():
    return read_stream("messages").join(read("devices"), "device", "left")

@table
def unknown():
    return read_quarantine("placed")
"""
MORE = """
@table
def once():
    return read_stream("messages").select("device").distinct().join(read("devices"), "device", "left")

@materialized_view
def missing():
    return read("devices").select("device").exceptAll(read("messages").select("device"))

@materialized_view
def halls():
    return read("messages").join(read("devices"), "device", "left").groupBy("hall").count()
"""
KNOWN = expectation("column_values_to_not_be_null", "known", "drop", column="id")


def opened(home: TestLakehouse) -> Lakehouse:
    return open_lakehouse(home.spark, home.home, load_settings(home.settings_file), home.clock)


def test_table_that_nothing_has_filled_yet_counts_as_empty_in_a_batch_and_a_replay(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, TABLES, placed=[KNOWN])
    land(home, "a.json", ("1", "P1"), (None, "P2"))
    result = home.update()
    assert (result.state, result.errors) == ("COMPLETED", {})
    assert rows(home, "placed", "id", "device", "hall") == [("1", "P1", None)]
    (rejected,) = home.rows("unknown", "record_id")
    fixes = tmp_path / "fixes.csv"
    fixes.write_text(f"record_id,column,value\n{rejected['record_id']},id,2\n", encoding="utf-8")

    result = home.update(replay=ReplayRequest("unknown", corrections=fixes))

    assert (result.state, result.errors) == ("COMPLETED", {})
    assert rows(home, "placed", "id", "device", "hall") == [("1", "P1", None), ("2", "P2", None)]
    assert home.counted_by_events("placed", "unknown") == {"placed": 2, "unknown": 0}


@pytest.mark.slow
def test_views_and_tables_with_state_take_a_table_from_its_first_row_on(
    lakehouse: TestLakehouse, tmp_path: Path
) -> None:
    home = messages(lakehouse, tmp_path, TABLES + MORE, placed=[KNOWN])
    land(home, "a.json", ("1", "P1"), ("2", "P1"))
    assert home.update().state == "COMPLETED"
    assert rows(home, "once", "device", "hall") == [("P1", None)]
    assert rows(home, "halls", "hall", "count") == [(None, 2)]
    assert rows(home, "missing", "device") == []
    home.land("a.json", [{"device": "P1", "hall": "North"}, {"device": "P2", "hall": "South"}], folder="devices")
    assert home.update().state == "COMPLETED"
    assert rows(home, "halls", "hall", "count") == [("North", 2)]
    assert rows(home, "missing", "device") == [("P2",)]
    land(home, "b.json", ("3", "P2"))
    assert home.update().state == "COMPLETED"

    assert rows(home, "placed", "id", "hall") == [("1", None), ("2", None), ("3", "South")]
    assert rows(home, "once", "device", "hall") == [("P1", None), ("P2", "South")]
    assert rows(home, "halls", "hall", "count") == [("North", 2), ("South", 1)]
    assert rows(home, "missing", "device") == []
    tables = ("placed", "unknown", "once", "halls", "missing")
    assert home.counted_by_events(*tables) == {table: len(home.rows(table)) for table in tables}


def test_table_that_is_lost_does_not_count_as_empty(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = messages(lakehouse, tmp_path, TABLES, placed=[KNOWN])
    home.land("a.json", [{"device": "P1", "hall": "North"}], folder="devices")
    assert home.update(refresh=("devices",)).state == "COMPLETED"
    assert all_rows(opened(home), "devices").count() == 1
    shutil.rmtree(home.path("devices"))

    with pytest.raises(DamagedStateError, match="`devices` is gone: the event log knows of 1 rows"):
        all_rows(opened(home), "devices")
    land(home, "a.json", ("1", "P1"))
    error = home.update(refresh=("placed",)).errors["placed"]
    assert "--full-refresh devices" in str(error.remedy)
