"""Which columns of its sources a query looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812

from pipeline.plans.plan import columns_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

QUERIES: dict[str, tuple[Callable[[DataFrame], DataFrame], set[str]]] = {
    "all": (lambda rows: rows, {"device", "at", "value", "note"}),
    "selected": (lambda rows: rows.select("device"), {"device"}),
    "filtered": (lambda rows: rows.where("note IS NULL").select("device"), {"device", "note"}),
    "grouped": (
        lambda rows: rows.groupBy("device", F.window("at", "1 hour")).agg(F.max("value")),
        {"device", "at", "value"},
    ),
    "counted": (lambda rows: rows.groupBy("device").count(), {"device"}),
    "renamed": (lambda rows: rows.withColumn("n", F.upper("note")).select("n"), {"note"}),
    "dropped": (lambda rows: rows.drop("note"), {"device", "at", "value"}),
    "explained": (lambda rows: rows.alias("r").selectExpr("transform(array(r.value), x -> x + 1) AS v"), {"value"}),
}


@pytest.mark.spark
@pytest.mark.parametrize("name", QUERIES)
def test_columns_read_are_those_whose_values_decide_the_rows(spark: SparkSession, name: str) -> None:
    query, expected = QUERIES[name]
    rows = spark.createDataFrame([], "device STRING, at TIMESTAMP, value DOUBLE, note STRING")
    assert columns_read(query(rows)) == expected
