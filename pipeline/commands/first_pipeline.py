"""The files of a small pipeline to begin with."""

from __future__ import annotations

_SETTINGS = """\
name: {name}
schema: {schema}
source: tables.py
expectations: expectations
"""
_TABLES = '''\
"""Orders, from the files that land to what each customer has spent."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table


@table(comment="Orders as they landed")
def bronze_orders() -> DataFrame:
    return read_files("orders", schema_hints="order_id STRING, customer STRING, amount DOUBLE")


@table(comment="Orders that can be counted", expectations="orders", quarantine="rejected_orders")
def orders() -> DataFrame:
    return read_stream("bronze_orders").select("record_id", "order_id", "customer", "amount")


@table(comment="Orders that violate a drop expectation, with the reasons")
def rejected_orders() -> DataFrame:
    return read_quarantine("orders")


@materialized_view(comment="What each customer has spent")
def spent_by_customer() -> DataFrame:
    return read("orders").groupBy("customer").agg(F.sum("amount").alias("spent"), F.count("*").alias("orders"))
'''
_SUITE = """\
{
  "name": "orders",
  "expectations": [
    {
      "type": "expect_column_values_to_not_be_null",
      "kwargs": {"column": "customer"},
      "meta": {"name": "has_customer", "action": "drop", "why": "Nobody can be asked to pay."}
    },
    {
      "type": "expect_column_values_to_be_between",
      "kwargs": {"column": "amount", "max_value": 1000},
      "meta": {"name": "usual_amount", "action": "warn", "why": "Someone should have a look."}
    }
  ],
  "meta": {},
  "notes": null
}
"""
_SAMPLE = """\
{"order_id": "1", "customer": "Ada", "amount": 20.5}
{"order_id": "2", "customer": "Bo", "amount": 1200}
{"order_id": "3", "amount": 3}
"""
_CONFTEST = """\
pytest_plugins = ["pipeline.testing"]
"""
_TEST = """\
from pathlib import Path

SETTINGS = Path(__file__).parents[1] / "pipeline.yml"


def test_orders_without_a_customer_are_rejected(pipeline_under_test):
    shop = pipeline_under_test(SETTINGS)
    shop.files("orders", [{"order_id": "1", "customer": "Ada", "amount": 2.0}, {"order_id": "2", "amount": 3.0}])
    shop.update()
    assert shop.rows("spent_by_customer") == [{"customer": "Ada", "spent": 2.0, "orders": 1}]
    assert shop.rows("rejected_orders", "order_id") == [{"order_id": "2"}]
"""


def first_pipeline(name: str, schema: str) -> dict[str, str]:
    """Return the content of each file, by its path.

    Args:
        name: The pipeline's name.
        schema: The schema of its tables.
    """
    return {
        "pipeline.yml": _SETTINGS.format(name=name, schema=schema),
        "tables.py": _TABLES,
        "expectations/orders.json": _SUITE,
        "sample/orders.json": _SAMPLE,
        "tests/conftest.py": _CONFTEST,
        "tests/test_tables.py": _TEST,
    }
