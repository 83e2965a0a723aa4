"""A small pipeline that tests write: messages of devices, and tables with state over them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.quality.suite_files import write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

_HEAD = """
from pyspark.sql import functions as F

from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table, temporary_view


@table
def messages():
    raw = read_files("messages", schema_hints="id STRING, device STRING, at STRING, value DOUBLE")
    return raw.withColumn("at", F.to_timestamp("at"))

"""
HOURLY = """
def hourly():
    rows = read_stream("messages").withWatermark("at", "2 hours")
    grouped = rows.groupBy("device", F.window("at", "1 hour")).agg(F.count("*").alias("readings"))
    return grouped.select("device", F.col("window.start").alias("start"), "readings")

"""
ONCE = """
@table
def once():
    return read_stream("messages").dropDuplicates(["id"])
"""
GUARDED_ONCE = """
@table(expectations="once", quarantine="unknown")
def once():
    return read_stream("messages").dropDuplicates(["id"])

@table
def unknown():
    return read_quarantine("once")
"""
GUARDED_HOURS = f"""
{HOURLY}
table(name="hours", expectations="hours", quarantine="busy_hours")(hourly)

@table
def busy_hours():
    return read_quarantine("hours")
"""


def messages(lakehouse: TestLakehouse, folder: Path, tables: str, **suites: list[dict[str, Any]]) -> TestLakehouse:
    """Return a lakehouse of `messages` and the declared tables, with a suite for each name given."""
    (folder / "suites").mkdir(exist_ok=True)
    for name, expectations in suites.items():
        write_suite(folder / "suites", name, *expectations)
    (folder / "messages.py").write_text(_HEAD + tables, encoding="utf-8")
    settings = folder / "messages.yml"
    settings.write_text("name: M\nschema: messages\nsource: messages.py\nexpectations: suites\n", encoding="utf-8")
    return replace(lakehouse, settings_file=settings)


def land(home: TestLakehouse, name: str, *rows: tuple[Any, ...], folder: str = "messages") -> Path:
    """Land a file of messages: id, device, and perhaps the time of day and the value."""
    names = ("id", "device", "at", "value")
    records = [dict(zip(names, row, strict=False)) for row in rows]
    for record in records:
        if "at" in record:
            record["at"] = f"2026-03-01T{record['at']}:00Z"
    return home.land(name, records, folder=folder)


def rows(home: TestLakehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return a table's values, sorted."""
    return sorted((tuple(row[column] for column in columns) for row in home.rows(table)), key=str)
