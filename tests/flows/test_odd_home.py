"""A home whose path looks like a pattern of file names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from pipeline.selection import ReplayRequest
from tests.flows.messages import land, messages, rows
from tests.quality.suite_files import expectation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

TABLES = """
@table(expectations="known", quarantine="unknown")
def known():
    return read_stream("messages")

@table
def unknown():
    return read_quarantine("known")

@table(expectations="known", quarantine="unknown_once")
def once():
    return read_stream("messages").dropDuplicates(["id"])

@table
def unknown_once():
    return read_quarantine("once")

@materialized_view
def hours():
    return read("known").groupBy("device", F.window("at", "1 hour")).count().select("device", "window.start", "count")
"""


@pytest.mark.parametrize("limits", [DEFAULT_LIMITS, Limits(few_rows=0, driver_bytes=0)], ids=["few", "many"])
def test_home_whose_path_looks_like_a_pattern_is_a_home_like_any_other(
    lakehouse: TestLakehouse, tmp_path: Path, limits: Limits
) -> None:
    suite = [expectation("column_values_to_not_be_null", "known", "drop", column="device")]
    home = replace(messages(lakehouse, tmp_path, TABLES, known=suite).beside("home {a,b} *? #1"), limits=limits)
    land(home, "a.json", ("1", "P1", "08:10"), ("2", None, "08:20"))
    result = home.update()
    assert (result.state, result.errors) == ("COMPLETED", {})
    land(home, "b.json", ("1", "P1", "08:30"), ("3", None, "08:40"))
    assert home.update().state == "COMPLETED"
    fixes = tmp_path / "fixes.csv"
    (first, _) = home.rows("unknown", "record_id", "id", by="id")
    fixes.write_text(f"record_id,column,value\n{first['record_id']},device,P2\n", encoding="utf-8")
    assert home.update(replay=ReplayRequest("unknown", corrections=fixes)).state == "COMPLETED"

    assert rows(home, "known", "id", "device") == [("1", "P1"), ("1", "P1"), ("2", "P2")]
    assert rows(home, "unknown", "id") == [("3",)]
    assert rows(home, "once", "id", "device") == [("1", "P1")]
    assert rows(home, "unknown_once", "id") == [("2",), ("3",)]
    assert rows(home, "hours", "device", "count") == [("P1", 2), ("P2", 1)]
