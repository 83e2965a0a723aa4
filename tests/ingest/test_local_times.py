"""Columns of moments without a zone, on their way through every kind of table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from tests.flows.messages import rows
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]

_MODULE = """
from pyspark.sql import functions as F
from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table

@table
def visits():
    return read_files("visits", schema_hints="id STRING, at TIMESTAMP_NTZ, more STRUCT<since: TIMESTAMP_NTZ>")

@table(expectations="known", quarantine="strangers")
def known():
    return read_stream("visits")

@table
def strangers():
    return read_quarantine("known")

@materialized_view
def hours():
    return read("known").groupBy("id", F.window("at", "1 hour")).agg(F.max("at").alias("at")).select("id", "window.start", "at")

@table
def once():
    return read_stream("known").select("at").distinct()
"""
TABLES = ("visits", "known", "strangers", "hours", "once")


def visit(name: str | None, at: str) -> dict[str, object]:
    return {"id": name, "at": at, "more": {"since": "2026-03-01"}}


@pytest.mark.parametrize("limits", [DEFAULT_LIMITS, Limits(few_rows=0, driver_bytes=0)], ids=["few", "many"])
def test_moments_without_a_zone_stay_as_sent_in_every_table(
    lakehouse: TestLakehouse, tmp_path: Path, limits: Limits
) -> None:
    known = expectation("column_values_to_not_be_null", "known", "drop", column="id")
    write_suite(tmp_path / "suites", "known", known)
    (tmp_path / "visits.py").write_text(_MODULE)
    settings = tmp_path / "visits.yml"
    settings.write_text("name: V\nschema: visits\nsource: visits.py\nexpectations: suites\n")
    home = replace(lakehouse, settings_file=settings, limits=limits)
    home.land("a.json", [visit("a", "2026-03-01 08:10:00.5"), visit(None, "2026-03-01T08:20:00Z")], "visits")
    result = home.update()
    assert (result.state, result.errors) == ("COMPLETED", {})
    home.land("b.json", [visit("a", "2026-03-01T08:30:00"), visit("b", "2026-03-01T08:40:00+01:00")], "visits")
    assert home.update().state == "COMPLETED"

    def at(minute: int, microsecond: int = 0) -> datetime:
        return datetime(2026, 3, 1, 8, minute, 0, microsecond)  # noqa: DTZ001 - without a zone, that is the point

    first, half = at(10, 500_000), at(30)
    assert rows(home, "visits", "id", "at") == [("a", first), ("a", half), ("b", None), (None, at(20))]
    assert {row["more"]["since"] for row in home.rows("visits")} == {datetime(2026, 3, 1)}  # noqa: DTZ001 - as above
    (rescued,) = [json.loads(row["_rescued_data"]) for row in home.rows("visits") if row["_rescued_data"]]
    assert rescued["at"] == "2026-03-01T08:40:00+01:00"
    assert rows(home, "known", "id", "at") == [("a", first), ("a", half), ("b", None)]
    assert rows(home, "strangers", "at") == [(at(20),)]
    assert rows(home, "hours", "id", "start", "at") == [("a", at(0), half)]
    assert rows(home, "once", "at") == sorted([(first,), (half,), (None,)], key=str)
    assert home.counted_by_events(*TABLES) == {table: len(home.rows(table)) for table in TABLES}
    for table in TABLES:
        (kind,) = {str(field.type.type) for field in DeltaTable(home.path(table)).schema().fields if field.name == "at"}
        assert kind == "timestamp_ntz", table
