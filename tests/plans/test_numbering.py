from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812

from pipeline.plans.numbering import numbering_of
from pipeline.plans.plan import empty_like

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
Query = Callable[["DataFrame", "DataFrame"], "DataFrame"]


@pytest.fixture(scope="module")
def table(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], "record_id STRING, device STRING, at TIMESTAMP, value DOUBLE, many ARRAY<DOUBLE>")


@pytest.fixture(scope="module")
def stream(table: DataFrame) -> DataFrame:
    return empty_like(table, is_streaming=True)


def exploded(rows: DataFrame) -> DataFrame:
    return rows.withColumn("one", F.explode("many"))


def by_sql(rows: DataFrame, query: str) -> DataFrame:
    return rows.sparkSession.sql(query, rows=rows)


NUMBERED: dict[str, tuple[Query, str | None]] = {
    "projection": (lambda stream, _: stream.select("record_id", "value"), None),
    "state": (lambda stream, _: exploded(stream).dropDuplicates(["record_id"]), None),
    "semi_join": (lambda stream, table: stream.join(table, "device", "semi"), None),
    "explode": (lambda stream, _: exploded(stream).where("one > 1"), "order"),
    "posexplode": (lambda stream, _: stream.select("record_id", F.posexplode_outer("many")), "order"),
    "two_generators": (lambda stream, _: exploded(stream).withColumn("again", F.explode("many")), "order"),
    "lateral_view": (
        lambda stream, _: by_sql(stream, "SELECT record_id, x FROM {rows} LATERAL VIEW explode(many) t AS x"),
        "order",
    ),
    "stack": (lambda stream, _: stream.select("record_id", F.expr("stack(2, 'a', value, 'b', -value)")), "order"),
    "union": (
        lambda stream, _: stream.select("record_id", "value").union(stream.select("record_id", F.col("many")[0])),
        "order",
    ),
    "join": (lambda stream, table: stream.join(table.select("device", F.col("at").alias("since")), "device"), "values"),
    "explode_and_left_join": (
        lambda stream, table: exploded(stream).join(
            table.select("device", F.col("at").alias("since")), "device", "left"
        ),
        "values",
    ),
    "explode_and_spread": (lambda stream, _: exploded(stream).repartition(3), "values"),
    "time_in_a_column": (lambda stream, _: exploded(stream).withColumn("now", F.current_timestamp()), "order"),
    "join_of_several": (
        lambda stream, table: empty_like(stream.withColumn("record_row", F.lit(1)), is_streaming=True).join(
            table.select("device", F.col("at").alias("since")), "device"
        ),
        "source",
    ),
}


@pytest.mark.parametrize("name", NUMBERED)
def test_rows_of_a_record_are_numbered_by_what_the_plan_keeps(stream: DataFrame, table: DataFrame, name: str) -> None:
    query, by = NUMBERED[name]

    found = numbering_of(query(stream, table))

    assert (found and found.by) == by
    assert found is None or found.refused is None


UNNUMBERED: dict[str, tuple[Query, str]] = {
    "chance": (lambda stream, _: exploded(stream).where(F.rand() < 0.5), "`rand`"),
    "chance_in_a_column": (lambda stream, _: exploded(stream.withColumn("x", F.uuid())), "`uuid`"),
    "running_number": (
        lambda stream, _: exploded(stream).withColumn("n", F.monotonically_increasing_id()),
        "`monotonically_increasing_id`",
    ),
    "function": (
        lambda stream, _: exploded(
            stream.withColumn("value", F.udf(lambda value: value, "double").asNondeterministic()("value"))
        ),
        "`<lambda>`",
    ),
    "sample": (lambda stream, _: exploded(stream).sample(0.5), "`sample`"),
    "time_in_a_filter": (lambda stream, _: exploded(stream).where("at < current_timestamp()"), "the time in a filter"),
    "time_behind_a_column": (
        lambda stream, _: exploded(stream.withColumn("age", F.current_timestamp() - F.col("at"))).where(
            "age > INTERVAL 1 DAY"
        ),
        "the time in a filter",
    ),
    "limited_table": (lambda stream, table: stream.join(table.limit(3), "device"), "a limit or a sample"),
    "map_in_pandas": (lambda stream, _: stream.mapInPandas(lambda frames: frames, stream.schema), "mapInPandas"),
    "no_record_id": (
        lambda stream, _: exploded(stream).drop("record_id"),
        "a generator such as explode without `record_id`",
    ),
    "column_twice": (
        lambda stream, table: stream.join(table.drop("record_id"), stream["device"] == table["device"]),
        "two columns `device`",
    ),
    "column_of_that_name": (
        lambda stream, _: exploded(stream).withColumn("record_row", F.lit(1)),
        "a generator such as explode and a column `record_row` of its own",
    ),
    "several_of_several": (
        lambda stream, _: exploded(empty_like(stream.withColumn("record_row", F.lit(1)), is_streaming=True)),
        "a generator such as explode of a table that has several rows of a record already",
    ),
}


@pytest.mark.parametrize("name", UNNUMBERED)
def test_rows_that_another_computation_may_number_otherwise_are_not_numbered(
    stream: DataFrame, table: DataFrame, name: str
) -> None:
    query, because = UNNUMBERED[name]

    found = numbering_of(query(stream, table))

    assert found is not None
    assert found.by is None
    assert found.refused is not None
    assert found.refused.phrase == f"{because} in front of a quarantine"
    assert found.refused.reason.endswith(", so that the several rows of a record cannot be numbered")
