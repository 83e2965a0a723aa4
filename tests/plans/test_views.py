from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812

from pipeline.plans.results import StoredResult
from pipeline.plans.views import ViewKeeping, keeping_of_view
from pipeline.plans.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
HOUR = timedelta(hours=1)
NO_WINDOW = "It does not group by one tumbling window of a column of event times."


@pytest.fixture(scope="module")
def readings(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], "device STRING, at TIMESTAMP, value DOUBLE, floor STRING")


def kept(frame: DataFrame) -> ViewKeeping:
    return keeping_of_view(frame, is_over_one_append_only_source=True)


def hourly(frame: DataFrame) -> DataFrame:
    return frame.groupBy("device", F.window("at", "1 hour")).agg(F.avg("value").alias("mean"))


def newest(frame: DataFrame, *columns: str) -> DataFrame:
    compared = F.col(columns[0]) if columns else F.struct("at", "value")
    return frame.groupBy("device").agg(F.max(compared).alias("newest"))


def test_view_of_greatest_and_least_values_is_kept_by_stored_results(readings: DataFrame) -> None:
    view = (
        readings.where("value < 100")
        .groupBy("device", F.col("floor").alias("storey"))
        .agg(F.max(F.struct("at", "value")).alias("newest"), F.min("at").alias("first"))
        .select("newest.value", "device", "newest.at", "storey", F.col("device").alias("machine"), "first")
    )

    assert kept(view) == ViewKeeping(
        "by stored results",
        "It has only the greatest and least values of its groups: the view and new rows give the next ones.",
        ("device", "storey"),
        ("machine",),
        results=(
            StoredResult(("at", "value"), is_struct=True, is_greatest=True),
            StoredResult(("first",), is_struct=False, is_greatest=False),
        ),
    )


def test_view_of_keys_and_hours_is_kept_by_touched_keys(readings: DataFrame) -> None:
    view = hourly(readings.where("value < 100")).select("device", F.col("window.start").alias("hour"), "mean")

    assert kept(view) == ViewKeeping(
        "by touched keys",
        "It groups one table by keys and a tumbling window.",
        ("device", "hour"),
        window=Window("at", HOUR, timedelta(0), "hour"),
    )


def test_window_s_end_tells_windows_apart_as_well_as_its_start(readings: DataFrame) -> None:
    view = hourly(readings).select("device", F.col("window.end").alias("till"), "mean")

    found = kept(view)

    assert (found.keys, found.window) == (("device", "till"), Window("at", HOUR, timedelta(0), "till", is_end=True))


def test_further_columns_of_keys_and_window_are_aliases(readings: DataFrame) -> None:
    view = hourly(readings).select("window.start", "window.end", "device", F.col("device").alias("machine"))

    assert (kept(view).keys, kept(view).aliases) == (("device", "start"), ("machine", "end"))


ZONED: dict[str, Callable[[DataFrame], DataFrame]] = {
    "in_the_window": lambda frame: frame.groupBy(
        F.window(F.from_utc_timestamp("at", "Europe/Berlin"), "1 day")
    ).count(),
    "in_a_column": lambda frame: (
        frame.withColumn("local", F.from_utc_timestamp("at", "Europe/Berlin"))
        .groupBy(F.window("local", "1 day"))
        .count()
    ),
}


@pytest.mark.parametrize("place", ZONED)
def test_window_over_the_time_of_a_zone_is_one_of_local_days(readings: DataFrame, place: str) -> None:
    view = ZONED[place](readings).select("window.start", "count")

    assert kept(view).window == Window("at", timedelta(days=1), timedelta(0), "start", "Europe/Berlin")


@pytest.mark.parametrize(
    ("window", "width", "offset"),
    [
        (("8 hours", None, "6 hours"), timedelta(hours=8), timedelta(hours=6)),
        (("1 day", None, "16 hours"), timedelta(days=1), timedelta(hours=16)),
        (("15 minutes", "15 minutes", None), timedelta(minutes=15), timedelta(0)),
        (("1 hour", None, "-15 minutes"), HOUR, timedelta(minutes=-15)),
    ],
)
def test_window_s_width_and_offset_are_those_of_the_plan(
    readings: DataFrame, window: tuple[str, str | None, str | None], width: timedelta, offset: timedelta
) -> None:
    view = readings.groupBy(F.window("at", *window)).count().select("window.start", "count")

    assert kept(view).window == Window("at", width, offset, "start")


def test_having_is_kept_by_touched_keys(readings: DataFrame) -> None:
    view = hourly(readings).where("mean > 40").select("device", F.col("window.start").alias("hour"), "mean")

    assert (kept(view).way, kept(view).filters_groups) == ("by touched keys", True)


def test_event_time_that_was_renamed_is_the_source_s_column(readings: DataFrame) -> None:
    view = readings.select("device", F.col("at").alias("moment")).groupBy(F.window("moment", "1 hour")).count()

    assert kept(view.select("window.start")).window == Window("at", HOUR, timedelta(0), "start")


WHOLE: dict[str, tuple[Callable[[DataFrame], DataFrame], str]] = {
    "no_window": (
        lambda frame: frame.groupBy("device").count(),
        f"{NO_WINDOW} Its column `count` is not the greatest or the least value of its group.",
    ),
    "slide": (
        lambda frame: frame.groupBy(F.window("at", "1 hour", "15 minutes")).count(),
        "Its plan has the operator Expand.",
    ),
    "two_groupings": (
        lambda frame: (
            frame.join(hourly(frame).select("device", "window.start"), "device")
            .groupBy(F.window("at", "1 hour"))
            .count()
        ),
        "It does not group its rows exactly once.",
    ),
    "missing_key": (
        lambda frame: hourly(frame).select("window.start", "mean"),
        "The key `device` is not a column of the view.",
    ),
    "window_as_a_struct": (hourly, "The start or end of its window is not a column of the view."),
    "field_of_a_key": (
        lambda frame: (
            frame.withColumn("place", F.struct("device", "floor"))
            .groupBy("place", F.window("at", "1 hour"))
            .count()
            .select("place.device", "window.start", "count")
        ),
        "The key `place` is not a column of the view.",
    ),
    "key_of_doubles": (
        lambda frame: frame.groupBy("value", F.window("at", "1 hour")).count().select("value", "window.start"),
        "Its key `value` is of type double, which engines compare in different ways.",
    ),
    "map": (
        lambda frame: hourly(frame).select("device", "window.start", F.create_map("device", "mean").alias("pair")),
        "Its column `pair` is of type map<string,double>, which cannot be compared.",
    ),
    "truncated_date": (
        lambda frame: frame.groupBy(F.date_trunc("hour", "at").alias("hour")).count(),
        f"{NO_WINDOW} Its column `count` is not the greatest or the least value of its group.",
    ),
    "greatest_of_all_rows": (lambda frame: frame.groupBy().agg(F.max("value").alias("top")), NO_WINDOW),
    "greatest_with_a_filter_after_it": (
        lambda frame: frame.groupBy("device").agg(F.max("value").alias("top")).where("top > 1"),
        NO_WINDOW,
    ),
    "value_of_the_greatest": (
        lambda frame: frame.groupBy("device").agg(F.max_by("value", "at").alias("newest")),
        f"{NO_WINDOW} Its column `newest` is not the greatest or the least value of its group.",
    ),
    "difference_of_extremes": (
        lambda frame: frame.groupBy("device").agg((F.max("value") - F.min("value")).alias("range")),
        f"{NO_WINDOW} Its column `range` is not the greatest or the least value of its group.",
    ),
    "field_of_the_greatest_missing": (
        lambda frame: newest(frame).select("device", "newest.value"),
        f"{NO_WINDOW} Its columns `value` are not each field of the struct that is compared, once.",
    ),
    "greatest_whole_and_in_fields": (
        lambda frame: newest(frame).select("device", "newest", "newest.at", "newest.value"),
        f"{NO_WINDOW} Its columns `newest`, `at`, `value` are not each field of the struct that is compared, once.",
    ),
    "greatest_of_a_stored_struct": (
        lambda frame: newest(frame.withColumn("pair", F.struct("at", "value")), "pair").select("device", "newest.*"),
        f"{NO_WINDOW} Its columns `at`, `value` are not each field of the struct that is compared, once.",
    ),
    "greatest_of_collated_text": (
        lambda frame: frame.groupBy("device").agg(F.max(F.expr("floor COLLATE UTF8_LCASE")).alias("top")),
        "Its column `top` is of type string collate UTF8_LCASE, in which unlike texts may be equal.",
    ),
    "no_grouping": (lambda frame: frame.where("value > 1"), "It does not group its rows exactly once."),
}


@pytest.mark.parametrize("name", WHOLE)
def test_view_that_no_short_cut_is_proven_for_is_computed_whole(readings: DataFrame, name: str) -> None:
    query, reason = WHOLE[name]

    assert kept(query(readings)) == ViewKeeping("whole", reason)


def test_view_over_a_computed_event_time_is_computed_whole(readings: DataFrame) -> None:
    view = readings.select(F.expr("at + INTERVAL 1 HOUR").alias("at")).groupBy(F.window("at", "1 hour")).count()

    assert kept(view).way == "whole"


def test_view_over_rows_that_change_is_computed_whole(readings: DataFrame) -> None:
    found = keeping_of_view(hourly(readings), is_over_one_append_only_source=False)

    assert found == ViewKeeping("whole", "It reads several tables, or one whose rows change.")


CHANGING = {
    "current_date()": "current_date", "now()": "now", "unix_timestamp()": "current_timestamp", "rand()": "rand",
    "uuid()": "uuid", "CASE WHEN mean > 1 THEN rand() END": "rand", "reflect('java.util.UUID', 'randomUUID')": "reflect",
    "CAST('today' AS DATE)": "today",
}  # fmt: skip


@pytest.mark.parametrize("expression", CHANGING)
def test_view_whose_value_changes_by_itself_is_computed_in_every_update(readings: DataFrame, expression: str) -> None:
    view = hourly(readings).withColumn("x", F.expr(expression))

    reason = f"It is computed in every update: `{CHANGING[expression]}` may give another value each time."
    assert kept(view) == ViewKeeping("whole", reason, is_deterministic=False)


def test_function_of_an_author_s_own_that_is_not_deterministic_is_named(readings: DataFrame) -> None:
    chance = F.udf(lambda mean: mean, "double").asNondeterministic()
    view = hourly(readings).withColumn("x", chance("mean"))

    assert "`<lambda>` may give another value" in kept(view).reason


def test_subquery_makes_a_view_computed_whole(readings: DataFrame, spark: SparkSession) -> None:
    readings.createOrReplaceTempView("readings")
    view = hourly(spark.sql("SELECT * FROM readings WHERE value > (SELECT avg(value) FROM readings)"))

    assert kept(view) == ViewKeeping("whole", "A subquery of it reads a table by itself.")
