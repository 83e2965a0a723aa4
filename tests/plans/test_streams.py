from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812

from pipeline.plans.plan import empty_like
from pipeline.plans.streams import StreamKeeping, UnsupportedQueryError, keeping_of_stream

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
Query = Callable[["DataFrame", "DataFrame"], "DataFrame"]


@pytest.fixture(scope="module")
def table(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], "device STRING, at TIMESTAMP, value DOUBLE")


@pytest.fixture(scope="module")
def stream(table: DataFrame) -> DataFrame:
    return empty_like(table, is_streaming=True)


def test_empty_stream_has_the_columns_of_the_table(stream: DataFrame, table: DataFrame) -> None:
    assert stream.isStreaming
    assert stream.schema == table.schema


BY_BATCH: dict[str, tuple[Query, bool]] = {
    "filter": (lambda stream, _: stream.where("value > 1").select("device"), False),
    "explode": (lambda stream, _: stream.withColumn("n", F.explode(F.array("value", "value"))), True),
    "join": (lambda stream, table: stream.join(table, "device"), True),
    "left_join": (lambda stream, table: stream.join(table, "device", "left"), True),
    "right_join": (lambda stream, table: table.join(stream, "device", "right"), True),
    "semi_join": (lambda stream, table: stream.join(table, "device", "semi"), False),
    "window_in_the_table": (
        lambda stream, table: stream.join(
            table.withColumn("rank", F.row_number().over(Window.partitionBy("device").orderBy("at"))), "device"
        ),
        True,
    ),
}


@pytest.mark.parametrize("name", BY_BATCH)
def test_query_without_state_runs_by_batch(stream: DataFrame, table: DataFrame, name: str) -> None:
    query, several = BY_BATCH[name]

    assert keeping_of_stream(query(stream, table), "t", "a.py:1") == StreamKeeping(
        "by batch", "Each row of its source goes through the query by itself.", has_several_rows=several
    )


ADDED, CLOSED = "Rows are added for good.", "A group is added once the watermark has passed it."
REPLACED = "Without a watermark every batch replaces the whole table."
MERGED = "The groups that a batch changes are replaced."


def hourly(stream: DataFrame, *columns: str) -> DataFrame:
    rows = stream.withWatermark("at", "2 hours").groupBy("device", F.window("at", "1 hour").alias("hour"))
    return rows.agg(F.count("*").alias("count")).selectExpr(*columns)


STATE: dict[str, tuple[Query, str, str, tuple[str, ...], str]] = {
    "deduplicate": (lambda stream, _: stream.dropDuplicates(["device"]), "dropDuplicates", "append", (), ADDED),
    "deduplicate_within": (
        lambda stream, _: stream.withWatermark("at", "1 hour").dropDuplicatesWithinWatermark(["device"]),
        "dropDuplicatesWithinWatermark", "append", (), ADDED,
    ),
    "count": (lambda stream, _: stream.groupBy("device").count(), "an aggregate", "complete", (), REPLACED),
    "count_of_all": (lambda stream, _: stream.groupBy().count(), "an aggregate", "complete", (), REPLACED),
    "having": (
        lambda stream, _: stream.groupBy("device").count().where("count > 1"), "an aggregate", "complete", (), REPLACED,
    ),
    "watermark_on_other_keys": (
        lambda stream, _: stream.withWatermark("at", "1 hour").groupBy("device").count(),
        "an aggregate", "update", ("device",), MERGED,
    ),
    "windows": (
        lambda stream, _: hourly(stream, "hour.start AS start", "device AS machine", "count"),
        "an aggregate", "update", ("machine", "start"), MERGED,
    ),
    "expressions_as_keys": (
        lambda stream, _: stream.withWatermark("at", "1 hour").groupBy(F.upper("device").alias("loud"), F.hour("at"))
        .count(),
        "an aggregate", "update", ("loud", "hour(at)"), MERGED,
    ),
    "windows_as_structs": (
        lambda stream, _: hourly(stream, "*"), "an aggregate", "update", ("device", "hour"), MERGED,
    ),
    "having_with_windows": (
        lambda stream, _: hourly(stream, "*").where("count > 1"), "an aggregate", "append", (), CLOSED,
    ),
    "windows_without_a_key": (
        lambda stream, _: hourly(stream, "hour.start", "count"), "an aggregate", "append", (), CLOSED,
    ),
    "sessions": (
        lambda stream, _: stream.withWatermark("at", "1 hour")
        .groupBy("device", F.session_window("at", "10 minutes")).count(),
        "an aggregate", "append", (), CLOSED,
    ),
    "join": (
        lambda stream, _: stream.join(stream.select("device"), "device"), "a join of two streams", "append", (), ADDED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STATE)
def test_query_that_spark_keeps_state_for_runs_with_it(stream: DataFrame, table: DataFrame, name: str) -> None:
    query, operator, mode, keys, meaning = STATE[name]

    found = keeping_of_stream(query(stream, table), "t", "a.py:1")

    assert (found.way, found.reason, found.output_mode, found.keys) == (
        "with Spark's state", f"Spark keeps state across batches for: {operator}. {meaning}", mode, keys,
    )  # fmt: skip


def test_query_over_several_streams_runs_as_one_stream(stream: DataFrame) -> None:
    found = keeping_of_stream(stream.union(stream), "t", "a.py:1", reads_one_stream=False)

    assert (found.way, found.output_mode) == ("as a stream", "append")


REFUSED: dict[str, tuple[Query, str]] = {
    "row_window": (
        lambda stream, _: stream.withColumn("n", F.row_number().over(Window.partitionBy("device").orderBy("at"))),
        "a window function (row_number, rank, lag …), which needs all rows, those of later batches included.",
    ),
    "sort": (lambda stream, _: stream.orderBy("at"), "a sort, which has no meaning for a table that grows by batches."),
    "limit": (lambda stream, _: stream.limit(3), "a limit, which would count anew in each batch."),
    "full_join": (
        lambda stream, table: stream.join(table, "device", "full"),
        (
            "a join of type FullOuter with the stream on the left, which returns rows of the table that match no row of "
            "a batch, though a later one may match them."
        ),
    ),
    "anti_join_of_the_table": (
        lambda stream, table: table.join(stream, "device", "anti"),
        (
            "a join of type LeftAnti with the stream on the right, which returns rows of the table that match no row of "
            "a batch, though a later one may match them."
        ),
    ),
    "union": (
        lambda stream, table: stream.unionByName(table),
        "a union of a stream and a table read whole, which would add all rows of the table with every batch.",
    ),
    "key_left_out": (
        lambda stream, _: stream.withWatermark("at", "1 hour").groupBy("device").count().select("count"),
        (
            "an aggregate with a watermark whose key `device` is not a column, which leaves no way to find the groups "
            "that a batch changes."
        ),
    ),
    "filter_of_groups_that_never_close": (
        lambda stream, _: stream.withWatermark("at", "1 hour").groupBy("device").count().where("count > 1"),
        (
            "the operator Filter behind an aggregate with a watermark, which can add or take away rows of groups that "
            "are stored already."
        ),
    ),
    "difference": (
        lambda stream, table: stream.exceptAll(table),
        "an intersection or difference, which needs all rows of both sides.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_query_that_no_way_keeps_is_refused_with_its_operator(stream: DataFrame, table: DataFrame, name: str) -> None:
    query, problem = REFUSED[name]

    with pytest.raises(UnsupportedQueryError) as raised:
        keeping_of_stream(query(stream, table), "t", "a.py:1")

    assert raised.value.problem == f"a.py:1: the streaming table `t` has {problem}"
    assert raised.value.remedy


def test_query_with_state_that_spark_refuses_says_what_spark_says(stream: DataFrame) -> None:
    with pytest.raises(UnsupportedQueryError, match="watermark"):
        keeping_of_stream(stream.join(stream.select("device"), "device", "left"), "t", "a.py:1")


def test_query_that_draws_by_chance_is_not_deterministic(stream: DataFrame) -> None:
    assert not keeping_of_stream(stream.withColumn("x", F.rand()), "t", "a.py:1").is_deterministic
