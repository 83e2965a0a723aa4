"""A small pipeline that tests write: raw orders, checked ones with a quarantine, and two views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.quality.suite_files import write_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TestLakehouse

TABLES = ("raw", "checked", "rejected", "total", "raw_count")
_MODULE = """
from pyspark.sql import functions as F

from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table


@table
def raw():
    return read_files("orders", schema_hints="id STRING, amount DOUBLE")


@table(expectations="checked", quarantine="rejected"{options})
def checked():
    return read_stream("raw")


@table
def rejected():
    return read_quarantine("checked")


@materialized_view{view_options}
def total():
    return read("checked").agg(F.sum("amount").alias("amount"), F.count("*").alias("orders"))


@materialized_view
def raw_count():
    return read("raw").agg(F.count("*").alias("rows"))
"""


def checkout(
    lakehouse: TestLakehouse, folder: Path, *expectations: dict[str, Any], options: str = "", view_options: str = ""
) -> TestLakehouse:
    """Return a lakehouse of this pipeline, whose checked table has these expectations."""
    write_suite(folder / "suites", "checked", *expectations)
    module = _MODULE.replace("{options}", options).replace("{view_options}", view_options)
    (folder / "orders.py").write_text(module, encoding="utf-8")
    settings = folder / "orders.yml"
    settings.write_text("name: Orders\nschema: orders\nsource: orders.py\nexpectations: suites\n", encoding="utf-8")
    return replace(lakehouse, settings_file=settings)


def order(number: int, amount: float | None) -> dict[str, Any]:
    return {"id": str(number), "amount": amount}


def land(shop: TestLakehouse, name: str, *amounts: float | None) -> None:
    """Land a file of orders numbered from 1."""
    shop.land(name, [order(number, amount) for number, amount in enumerate(amounts, 1)], folder="orders")
