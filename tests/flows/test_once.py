"""Flows that run once in a table's life, and again after a full refresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.dry_run import facts_of
from pipeline.flows.open import open_lakehouse
from pipeline.foundation.errors import AuthorError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

SOURCE = """
from pipeline import append_flow, change_flow, create_streaming_table, read, read_files, read_stream, table

HINTS = "id STRING, city STRING, at INT"


@table
def former():
    return read_files("former", schema_hints=HINTS)


@table
def later():
    return read_files("later", schema_hints=HINTS)


create_streaming_table("cities")


@append_flow(target="cities", name="backfill", once=True)
def backfill():
    return {former}.select("record_id", "id", "city")


@append_flow(target="cities")
def more():
    return read_stream("later").select("record_id", "id", "city")


create_streaming_table("newest")
CHANGES = {{"target": "newest", "keys": ["id"], "sequence_by": "at", "except_column_list": ["at"]}}
change_flow(source="former", once=True, **CHANGES)
change_flow(source="later", **CHANGES)
"""


def home_of(lakehouse: TestLakehouse, folder: Path, former: str = 'read("former")') -> TestLakehouse:
    (folder / "cities.py").write_text(SOURCE.format(former=former), encoding="utf-8")
    settings = folder / "cities.yml"
    settings.write_text("name: C\nschema: cities\nsource: cities.py\nexpectations: suites\n", encoding="utf-8")
    (folder / "suites").mkdir()
    return replace(lakehouse, settings_file=settings)


def stored(home: TestLakehouse, table: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in home.rows(table, "id", "city"))


def test_flow_that_runs_once_runs_again_after_a_full_refresh_alone(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path)
    home.land("a.json", [{"id": "A", "city": "Oslo", "at": 5}, {"id": "B", "city": "Rome", "at": 1}], "former")
    home.land("a.json", [{"id": "A", "city": "Nice", "at": 3}], "later")
    assert home.update().state == "COMPLETED"
    assert stored(home, "cities") == [("A", "Nice"), ("A", "Oslo"), ("B", "Rome")]
    assert stored(home, "newest") == [("A", "Oslo"), ("B", "Rome")]

    home.land("b.json", [{"id": "C", "city": "Bonn", "at": 1}], "former")
    home.land("b.json", [{"id": "B", "city": "Paris", "at": 4}], "later")
    assert home.update().state == "COMPLETED"
    assert stored(home, "cities") == [("A", "Nice"), ("A", "Oslo"), ("B", "Paris"), ("B", "Rome")]
    assert stored(home, "newest") == [("A", "Oslo"), ("B", "Paris")]

    assert home.update(full_refresh=("cities", "newest")).state == "COMPLETED"
    assert stored(home, "cities") == [("A", "Nice"), ("A", "Oslo"), ("B", "Paris"), ("B", "Rome"), ("C", "Bonn")]
    assert stored(home, "newest") == [("A", "Oslo"), ("B", "Paris"), ("C", "Bonn")]
    tables = ("cities", "cities__once_backfill", "newest", "newest__once_1")
    assert home.counted_by_events(*tables) == dict(zip(tables, (5, 3, 3, 3), strict=True))
    opened = open_lakehouse(home.spark, home.home, load_settings(home.settings_file), home.clock)
    kept = {facts["name"]: facts["kept_because"] for facts in facts_of(opened)}
    assert kept["cities__once_backfill"].startswith("Its query runs once in the table's life")


@pytest.mark.slow
def test_flow_that_found_no_rows_has_run_too(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path)
    home.land("a.json", [{"id": "A", "city": "Nice", "at": 3}], "later")
    assert home.update().state == "COMPLETED"
    home.land("a.json", [{"id": "B", "city": "Rome", "at": 1}], "former")
    assert home.update().state == "COMPLETED"
    assert stored(home, "cities") == stored(home, "newest") == [("A", "Nice")]


def test_flow_that_runs_once_and_reads_a_stream_is_refused(lakehouse: TestLakehouse, tmp_path: Path) -> None:
    home = home_of(lakehouse, tmp_path, 'read_stream("former")')
    with pytest.raises(AuthorError, match="the flow that gives `cities` rows once reads a stream") as raised:
        home.update()
    assert "cities.py:20: " in raised.value.problem
