from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flows.result_view import with_held
from pipeline.plans.results import StoredResult
from tests.flows.test_view import operations

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

_VIEW = """
from pyspark.sql import functions as F
from pipeline import materialized_view, read, read_files, table

@table
def events():
    return read_files("events", schema_hints="device STRING, at BIGINT, value DOUBLE")

@materialized_view
def newest():
    newest = F.max(F.struct("at", "value")).alias("newest")
    return read("events").groupBy("device").agg(newest, F.min("value").alias("least")).select("device", "newest.*", "least")

@materialized_view
def devices():
    return read("events").groupBy("device").agg(F.max("at").alias("at")).select("device")
"""


@pytest.fixture
def home(lakehouse: TestLakehouse, tmp_path: Path) -> TestLakehouse:
    return lakehouse.running(tmp_path, _VIEW, "views", "newest")


def land(home: TestLakehouse, name: str, *rows: tuple[str | None, int, float | None]) -> None:
    home.land(name, [{"device": device, "at": at, "value": value} for device, at, value in rows], folder="events")


def newest(home: TestLakehouse) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in home.rows("newest", "device", "at", "value", "least")), key=repr)


def test_results_of_new_rows_and_held_ones_are_compared_group_by_group(spark: SparkSession) -> None:
    schema = "device STRING, at BIGINT, value DOUBLE, least DOUBLE, name STRING"
    fresh = [
        ("older", 1, 99.0, 5.0, "older"),
        ("newer", 9, 1.0, 1.0, "newer"),
        ("same time", 5, 7.0, None, "same time"),
        ("unknown", 3, None, None, "unknown"),
        (None, 2, float("nan"), 2.0, None),
    ]
    stored = [
        ("older", 5, 6.0, 2.0, "older"),
        ("newer", 5, 6.0, 2.0, "newer"),
        ("same time", 5, 6.0, 2.0, "same time"),
        (None, 2, 6.0, 4.0, None),
        ("not touched", 5, 6.0, 2.0, "not touched"),
    ]
    results = [StoredResult(("at", "value"), True, True), StoredResult(("least",), False, False)]

    found = with_held(spark.createDataFrame(fresh, schema), spark.createDataFrame(stored, schema), ["device"], results)

    assert found.columns == ["device", "at", "value", "least", "name"]
    assert sorted(map(repr, found.collect())) == sorted(
        map(
            repr,
            spark.createDataFrame(
                [
                    ("older", 5, 6.0, 2.0, "older"),
                    ("newer", 9, 1.0, 1.0, "newer"),
                    ("same time", 5, 7.0, 2.0, "same time"),
                    ("unknown", 3, None, None, "unknown"),
                    (None, 2, float("nan"), 2.0, None),
                ],
                schema,
            ).collect(),
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("amount", ["few", "many"], indirect=True)
def test_view_of_newest_rows_changes_only_by_rows_beyond_what_it_has(home: TestLakehouse, amount: str) -> None:
    assert amount
    land(home, "a.json", ("P1", 10, 1.0), ("P1", 20, 2.0), ("P2", 10, 3.0), (None, 10, 4.0))
    assert home.update().state == "COMPLETED"
    assert newest(home) == [("P1", 20, 2.0, 1.0), ("P2", 10, 3.0, 3.0), (None, 10, 4.0, 4.0)]

    land(home, "b.json", ("P1", 15, 0.5), ("P2", 11, None), ("P3", 1, 9.0), (None, 30, 1.0))
    assert home.update().state == "COMPLETED"
    assert newest(home) == [("P1", 20, 2.0, 0.5), ("P2", 11, None, 3.0), ("P3", 1, 9.0, 9.0), (None, 30, 1.0, 1.0)]
    assert [one["num_output_rows"] for one in home.metrics("newest")] == [3, 4]

    land(home, "c.json", ("P1", 2, 5.0))
    assert home.update().state == "COMPLETED"
    assert home.metrics("newest")[-1]["num_output_rows"] == 0
    assert sorted(map(repr, home.rows("devices"))) == [
        "{'device': 'P1'}", "{'device': 'P2'}", "{'device': 'P3'}", "{'device': None}",
    ]  # fmt: skip
    assert [one["num_output_rows"] for one in home.metrics("devices")] == [3, 1, 0]
    assert "MERGE" in operations(home, "newest")


@pytest.mark.slow
def test_view_of_newest_rows_does_not_read_the_source_s_older_files(home: TestLakehouse) -> None:
    land(home, "a.json", ("P1", 10, 1.0))
    land(home, "b.json", ("P2", 10, 2.0))
    assert home.update().state == "COMPLETED"
    # What is gone cannot be read.
    for file in home.path("events").glob("*.parquet"):
        file.unlink()

    land(home, "c.json", ("P1", 11, 3.0))
    assert home.update().state == "COMPLETED"

    assert newest(home) == [("P1", 11, 3.0, 1.0), ("P2", 10, 2.0, 2.0)]


@pytest.mark.slow
def test_row_that_a_new_version_of_its_file_takes_back_leaves_the_view_too(home: TestLakehouse, tmp_path: Path) -> None:
    code = (tmp_path / "newest.py").read_text()
    (tmp_path / "newest.py").write_text(code.replace('"events", ', '"events", allow_overwrites=True, '))
    land(home, "a.json", ("P1", 10, 1.0), ("P1", 20, 2.0))
    assert home.update().state == "COMPLETED"

    land(home, "a.json", ("P1", 10, 1.0), ("P2", 5, 3.0))
    assert home.update().state == "COMPLETED"

    assert newest(home) == [("P1", 10, 1.0, 1.0), ("P2", 5, 3.0, 3.0)]
