"""A pipeline that tests write: messages of gateways, each with several readings, which are judged one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

TABLES = ("messages", "readings", "rejected", "warm", "count")
EXPLODED = """
    part = F.explode(F.from_json("readings", "array<struct<sensor string, c double>>"))
    rows = read_stream("messages").withColumn("part", part)
    return rows.withColumn("sensor", F.col("part.sensor")).withColumn("c", F.col("part.c")).drop("part", "readings")
"""
_MODULE = """
from pyspark.sql import functions as F

from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table


@table
def messages():
    return read_files("messages", schema_hints="gateway STRING, readings STRING")


@table
def sensors():
    return read_files("sensors", schema_hints="place STRING, sensor STRING")


@table(expectations="readings", quarantine="rejected")
def readings():
{query}

@table
def rejected():
    return read_quarantine("readings")


@table
def warm():
    return read_stream("readings").where("c > 20")


@materialized_view
def count():
    return read("readings").groupBy("sensor").agg(F.count("*").alias("readings"))
"""


def gateway(lakehouse: TestLakehouse, folder: Path, query: str = EXPLODED, greatest: float = 200) -> TestLakehouse:
    """Return a lakehouse of this pipeline; readings above the greatest go to quarantine."""
    plausible = expectation("column_values_to_be_between", "plausible", "drop", column="c", max_value=greatest)
    write_suite(folder / "suites", "readings", plausible)
    (folder / "gateway.py").write_text(_MODULE.replace("{query}", query), encoding="utf-8")
    settings = folder / "gateway.yml"
    settings.write_text("name: G\nschema: gateway\nsource: gateway.py\nexpectations: suites\n", encoding="utf-8")
    return replace(lakehouse, settings_file=settings)


def message(gateway: str, *readings: tuple[str, float]) -> dict[str, Any]:
    return {"gateway": gateway, "readings": [{"sensor": sensor, "c": c} for sensor, c in readings]}


def held(home: TestLakehouse, table: str = "readings") -> list[tuple[Any, ...]]:
    """Return gateway, number, sensor and value of each row of a table."""
    return sorted((row["gateway"], row["record_row"], row["sensor"], row["c"]) for row in home.rows(table))


def rejected(home: TestLakehouse) -> list[tuple[Any, ...]]:
    """Return gateway, number and violated rules of each quarantined row."""
    rows = home.rows("rejected")
    return sorted((row["gateway"], row["record_row"], row["failed_expectations"]) for row in rows)


def assert_balanced(home: TestLakehouse) -> None:
    """Check that no row is there twice, that events and tables agree, and that the tables downstream follow."""
    ids = [(row["record_id"], row["record_row"]) for table in ("readings", "rejected") for row in home.rows(table)]
    assert len(set(ids)) == len(ids)
    assert home.counted_by_events(*TABLES) == {table: len(home.rows(table)) for table in TABLES}
    assert held(home, "warm") == [row for row in held(home) if row[3] > 20]
    counts: dict[str, int] = {}
    for _, _, sensor, _ in held(home):
        counts[sensor] = counts.get(sensor, 0) + 1
    assert home.rows("count", by="sensor") == [
        {"sensor": sensor, "readings": count} for sensor, count in sorted(counts.items())
    ]
