"""Rows as a pure function of a key's events, compared with a reference that is written without Spark."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.declare.change_flow import DELETE, OPERATION, SEQUENCE, TRUNCATE, UPSERT, ChangeFlow
from pipeline.declare.changes import Changes
from pipeline.declare.dataset import SourceLocation
from pipeline.flows.change_rows import rows_of
from tests.flows.changes_reference import Event, events_of_keys, newest_rows, versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

SCHEMA = f"key STRING, {SEQUENCE} INT, {OPERATION} TINYINT, floor STRING, model STRING, `limit` INT"
KEYS = 500
examples = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def changes(**options: Any) -> Changes:
    here = SourceLocation(__file__, 1)
    return Changes((ChangeFlow("registry", "changes", ("key",), "number", here, **options),))


def frame(spark: SparkSession, events: Iterable[Event]) -> DataFrame:
    rows = [(event.key, event.sequence, event.operation, *event.values) for event in events]
    return spark.createDataFrame(rows, SCHEMA)


def made(spark: SparkSession, events: Iterable[Event], **options: Any) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, rows_of(frame(spark, events), changes(**options)).collect()), key=str)


def event(sequence: int, *values: Any, operation: int = UPSERT) -> Event:
    return Event("K", sequence, operation, values or (None, None, None))


@examples
@given(seed=st.integers(0, 2**32), ignore_null=st.booleans(), truncates=st.sampled_from([0, 0, 1, 2]))
def test_rows_of_type_1_equal_the_reference(spark: SparkSession, seed: int, ignore_null: bool, truncates: int) -> None:
    events = events_of_keys(Random(seed), KEYS, truncates=truncates)
    found = made(spark, events, ignore_null_updates=ignore_null)
    assert found == newest_rows(events, ignore_null=ignore_null)


@examples
@given(
    seed=st.integers(0, 2**32),
    ignore_null=st.booleans(),
    tracked=st.sampled_from([("floor", "model", "limit"), ("floor",), ("model", "limit")]),
    by_exception=st.booleans(),
)
def test_rows_of_type_2_equal_the_reference(
    spark: SparkSession, seed: int, ignore_null: bool, tracked: tuple[str, ...], by_exception: bool
) -> None:
    events = events_of_keys(Random(seed), KEYS)
    others = tuple({"floor", "model", "limit"} - set(tracked))
    option: dict[str, Any] = {"track_history_column_list": tracked}
    if by_exception:
        option = {"track_history_except_column_list": others}
    found = made(spark, events, scd_type=2, ignore_null_updates=ignore_null, **option)
    assert found == versions(events, ignore_null=ignore_null, tracked=tracked)


def test_late_event_splits_the_version_that_it_falls_into(spark: SparkSession) -> None:
    events = [event(1, "North", "M1", 40), event(9, "South", "M1", 40), event(5, "North", "M2", 40)]
    # A key for each order in which they can come.
    orders = list(enumerate(itertools.permutations(events)))
    keyed = [replace(one, key=f"K{number}") for number, order in orders for one in order]
    wanted = [("North", "M1", 40, 1, 5), ("North", "M2", 40, 5, 9), ("South", "M1", 40, 9, None)]
    assert made(spark, keyed, scd_type=2) == [(f"K{number}", *row) for number, _ in orders for row in wanted]


def test_untracked_column_shows_its_newest_value(spark: SparkSession) -> None:
    events = [event(1, "North", "M1", 40), event(2, "North", "M1", 50)]
    found = made(spark, events, scd_type=2, track_history_except_column_list=("limit",))
    assert found == [("K", "North", "M1", 50, 1, None)]


def test_key_that_is_deleted_and_comes_again_has_a_gap(spark: SparkSession) -> None:
    gone = event(3, operation=DELETE)
    events = [event(1, "North", "M1", 40), gone, event(4, operation=DELETE), event(6, "North", "M1", 40)]
    assert made(spark, events, scd_type=2) == [("K", "North", "M1", 40, 1, 3), ("K", "North", "M1", 40, 6, None)]
    assert made(spark, events) == [("K", "North", "M1", 40)]
    assert made(spark, [*events, event(6, operation=DELETE)]) == []


def test_values_before_a_delete_do_not_come_back_where_nulls_are_ignored(spark: SparkSession) -> None:
    events = [event(1, "North", "M1", 40), event(2, "South", None, None), event(3, operation=DELETE)]
    assert made(spark, events[:2], ignore_null_updates=True) == [("K", "South", "M1", 40)]
    events.append(event(4, None, "M2", None))
    assert made(spark, events, ignore_null_updates=True) == [("K", None, "M2", None)]
    assert made(spark, events, scd_type=2, ignore_null_updates=True) == [
        ("K", "North", "M1", 40, 1, 2), ("K", "South", "M1", 40, 2, 3), ("K", None, "M2", None, 4, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"ignore_null_updates_column_list": ("FLOOR", "model")},
        {"ignore_null_updates_except_column_list": ("limit",)},
    ],
)
def test_null_leaves_only_the_listed_columns_as_they_were(spark: SparkSession, options: dict[str, Any]) -> None:
    events = [event(1, "North", "M1", 40), event(2, None, "M2", None)]
    assert made(spark, events, **options) == [("K", "North", "M2", None)]
    assert made(spark, events, scd_type=2, **options) == [
        ("K", "North", "M1", 40, 1, 2),
        ("K", "North", "M2", None, 2, None),
    ]


def test_truncate_takes_away_what_is_not_after_it(spark: SparkSession) -> None:
    emptied = Event("", 5, TRUNCATE)
    events = [event(5, "North", "M1", 40), emptied, Event("L", 6, UPSERT, ("South", None, None))]
    assert made(spark, events) == [("L", "South", None, None)]


@pytest.mark.parametrize("type_of", [1, 2])
def test_field_of_a_struct_keeps_its_value_where_nulls_are_ignored(spark: SparkSession, type_of: int) -> None:
    schema = f"key STRING, {SEQUENCE} INT, {OPERATION} TINYINT, place STRUCT<hall: STRING, bay: STRUCT<row: INT>>"
    rows = [("K", 1, UPSERT, ("H1", (1,))), ("K", 2, UPSERT, (None, (2,))), ("K", 3, UPSERT, None)]
    kept = changes(scd_type=type_of, ignore_null_updates=True)
    found = rows_of(spark.createDataFrame(rows, schema), kept).orderBy("key").collect()
    assert found[-1].place.asDict(recursive=True) == {"hall": "H1", "bay": {"row": 2}}


def test_maps_and_struct_sequences_are_compared(spark: SparkSession) -> None:
    schema = f"key STRING, {SEQUENCE} STRUCT<day: INT, number: INT>, {OPERATION} TINYINT, tags MAP<STRING, INT>"
    rows = [
        ("K", (1, 9), UPSERT, {"a": 1, "b": 2}),
        ("K", (2, 1), UPSERT, {"b": 2, "a": 1}),
        ("K", (2, 2), UPSERT, {"a": 3}),
    ]
    found = rows_of(spark.createDataFrame(rows, schema), changes(scd_type=2)).orderBy("__START_AT").collect()
    assert [(row.tags, row["__START_AT"], row["__END_AT"]) for row in found] == [
        ({"a": 1, "b": 2}, (1, 9), (2, 2)), ({"a": 3}, (2, 2), None)
    ]  # fmt: skip
