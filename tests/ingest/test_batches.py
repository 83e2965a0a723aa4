"""Files that nobody of this house has made, and batches of every size."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from pipeline.foundation.limits import DEFAULT_LIMITS, Limits
from tests.conftest import NOON, reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

ONLY_BRONZE = ("bronze_sensor_readings",)


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def by_file(lakehouse: TestLakehouse, *columns: str) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in lakehouse.rows("bronze_sensor_readings", "source_file", *columns):
        values = tuple(row[column] for column in columns)
        found.setdefault(row["source_file"].rsplit("/", 1)[-1], []).append(values)
    return {name: sorted(rows, key=str) for name, rows in found.items()}


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere", "amount")
def test_files_of_other_makers_on_a_machine_of_another_zone_hold_the_invariants(lakehouse: TestLakehouse) -> None:
    mixed = [reading(), reading(at="2026-03-01T06:30:00-05:00"), reading(location=None), reading(at=NOON.timestamp())]
    lakehouse.land("array.json", json.dumps(mixed))
    lakehouse.land("lines.json", lines(mixed))
    lakehouse.update()
    lakehouse.land("zipped.json.gz", gzip.compress(json.dumps(mixed).encode()))
    lakehouse.land("indented.json", json.dumps(mixed, indent=2))
    lakehouse.land("object.json", json.dumps(mixed[0]))
    lakehouse.update()
    lakehouse.assert_invariants()
    half_past = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    times = [row["event_timestamp"] for row in lakehouse.rows("silver_cleaned_sensors", "event_timestamp")]
    assert times == [half_past] * 13 + [NOON] * 4
    modified = {row["file_modification_time"].year for row in lakehouse.rows("bronze_sensor_readings")}
    assert modified == {datetime.fromtimestamp(os.stat(lakehouse.home.root).st_mtime, UTC).year}  # noqa: PTH116


@pytest.mark.slow
def test_large_batch_through_the_workers_equals_the_same_batch_read_by_the_driver(
    lakehouse: TestLakehouse,
) -> None:
    records = [reading(f"MFG-A-{1000 + number}", temperature_celsius=20 + number / 10) for number in range(50)]
    # The column comes after what is sampled: the workers find it, and the batch is planned anew.
    records[40]["pressure"] = 1.5
    records[41]["pressure"] = "low"
    records[42]["vibration_hz"] = "NaN"
    content = lines(records) + b'\n{"device_id": "cut'
    # So many that workers read most of them straight into columns.
    many = [reading(f"MFG-B-{1000 + number}") for number in range(15_000)]
    many[50]["temperature_celsius"] = "hot"
    columns = ["device_id", "temperature_celsius", "vibration_hz", "pressure", "_rescued_data", "_corrupt_record"]
    for name, driver_bytes in (("driver", 10**9), ("workers", 0)):
        home = replace(lakehouse.beside(name), limits=Limits(driver_bytes=driver_bytes, sampled_files=1))
        home.land("a.json", [reading()])
        home.land("b.json", content)
        home.land("c.json", [reading(pressure=None)])
        home.land("d.json", lines(many))
        home.update(refresh=ONLY_BRONZE)
    driver, workers = (by_file(lakehouse.beside(name), *columns) for name in ("driver", "workers"))
    assert [{name: len(rows) for name, rows in found.items()} for found in (driver, workers)] == [
        {"a.json": 1, "b.json": 51, "c.json": 1, "d.json": 15_000}
    ] * 2
    shown = [json.dumps(found).replace("/workers/", "/driver/") for found in (driver, workers)]
    assert shown[0] == shown[1]
    assert ("MFG-A-1041", 24.1, 0.3, "low", None, None) in workers["b.json"]
    assert [row[-1] for row in workers["b.json"] if row[-1]] == ['{"device_id": "cut']


@pytest.mark.slow
def test_batch_larger_than_the_driver_takes_evolves_in_the_middle_of_a_file(lakehouse: TestLakehouse) -> None:
    record = lines([reading(note="x" * 400)])
    rows = DEFAULT_LIMITS.driver_bytes // len(record) * 3 // 2
    last = lines([reading(note="last", humidity_percent=40.5)])
    lakehouse.land("large.json", b"\n".join([record] * rows + [last]))
    lakehouse.update(refresh=ONLY_BRONZE)
    held = lakehouse.rows("bronze_sensor_readings", "record_id", "humidity_percent")
    assert len({row["record_id"] for row in held}) == len(held) == rows + 1
    assert [row["humidity_percent"] for row in held if row["humidity_percent"] is not None] == [40.5]


@pytest.mark.parametrize("driver_bytes", [10**9, 0], ids=["driver", "workers"])
def test_file_that_cannot_be_read_is_set_aside_and_blocks_nothing(lakehouse: TestLakehouse, driver_bytes: int) -> None:
    lakehouse.limits = Limits(driver_bytes=driver_bytes)
    records = [reading(f"MFG-A-{1000 + number}") for number in range(200)]
    whole = gzip.compress(lines(records))
    lakehouse.land("cut.json.gz", whole[: len(whole) // 2])
    lakehouse.land("no.json.gz", b"not gzip at all")
    lakehouse.land("empty.json", b"")
    lakehouse.land("good.json", lines([reading()]))
    assert lakehouse.update(refresh=ONLY_BRONZE).state == "COMPLETED"
    states = {path.rsplit("/", 1)[-1]: record.state for path, record in lakehouse.files().items()}
    assert states == {
        "cut.json.gz": "set aside",
        "no.json.gz": "set aside",
        "empty.json": "ingested",
        "good.json": "ingested",
    }
    assert len(by_file(lakehouse)["good.json"]) == 1
    counted = {path.rsplit("/", 1)[-1]: record.rows for path, record in lakehouse.files().items()}
    held = by_file(lakehouse)
    assert counted == {name: len(held.get(name, ())) for name in states}


def test_file_older_than_a_week_and_one_dated_ahead_hide_no_other(lakehouse: TestLakehouse) -> None:
    for name, moment in (("old.json", 1_500_000_000), ("ahead.json", 4_000_000_000), ("now.json", NOON.timestamp())):
        file = lakehouse.land(name, [reading()])
        os.utime(file, (moment, moment))
        lakehouse.update(refresh=ONLY_BRONZE)
    assert set(by_file(lakehouse)) == {"old.json", "ahead.json", "now.json"}


def test_names_that_begin_with_a_dot_or_underscore_and_sub_folders_are_not_read(lakehouse: TestLakehouse) -> None:
    for name in (".hidden.json", "_part.json", "folder/inside.json", "folder.json/inside.json", "a b#ü%20.json"):
        lakehouse.land(name, [reading()])
    lakehouse.land("notes.txt", "not for us")
    assert lakehouse.update(refresh=ONLY_BRONZE).state == "COMPLETED"
    assert set(by_file(lakehouse)) == {"a b#ü%20.json"}


def committed_files(table: Path) -> set[str]:
    return {uri.rsplit("/", 1)[-1] for uri in DeltaTable(table).file_uris()}


_COMPUTED = """
from pyspark.sql import functions as F

from pipeline import read_files, table

@table
def computed():
    return read_files("things", schema_hints="name STRING").withColumn("shout", F.upper("name"))
"""


@pytest.mark.usefixtures("amount")
def test_query_that_computes_something_of_its_files_gets_every_record_once(
    things: Callable[[str], TestLakehouse], tmp_path: Path
) -> None:
    shop = things("")
    (tmp_path / "things.py").write_text(_COMPUTED)
    shop.land("a.json", [{"name": "a"}, {"name": "b"}], folder="things")
    assert shop.update().state == "COMPLETED"
    shop.land("b.json", [{"name": "c", "new": 1.5}], folder="things")
    assert shop.update().state == "COMPLETED"
    # Of many rows the wide ones are computed once more.
    shop.land("c.json", [{"name": "d" * 9_000}, {"name": "e"}], folder="things")
    assert shop.update().state == "COMPLETED"
    rows = sorted(shop.rows("computed"), key=lambda row: row["name"])
    assert [(row["name"][:3], row["shout"][:3], row["new"]) for row in rows] == [
        ("a", "A", None), ("b", "B", None), ("c", "C", 1.5), ("ddd", "DDD", None), ("e", "E", None),
    ]  # fmt: skip
    assert len({row["record_id"] for row in rows}) == 5
    shop.land("d.json", "[]", folder="things")
    assert shop.update().state == "COMPLETED"
    counts = [(metrics["num_files"], metrics["num_output_rows"]) for metrics in shop.metrics("computed")]
    assert counts == [(1, 2), (1, 1), (1, 2), (1, 0)]
    folder = shop.path("computed")
    assert {file.name for file in folder.glob("*.parquet")} == committed_files(folder)
