from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline import TimeWindow, materialized_view, read, read_files, read_quarantine, read_stream, table
from pipeline.declare.dataset import Registry
from pipeline.declare.decorators import collecting
from pipeline.declare.resolve import resolve
from pipeline.flows.keeping import carries_rows, keeping_of_streams, keeping_of_views, numbered_by
from pipeline.foundation.errors import AuthorError
from pipeline.plans.plan import empty_like

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from pipeline.plans.views import ViewKeeping
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

COLUMNS = "record_id STRING, device STRING, at TIMESTAMP, value DOUBLE"


def kept(spark: SparkSession, declare: Callable[[], Any]) -> dict[str, ViewKeeping]:
    with collecting(Registry()) as registry:
        table(name="events")(lambda: read_files("events"))
        declare()
    graph = resolve(registry, lambda *_: spark.createDataFrame([], COLUMNS), empty_like, carries_rows, numbered_by)
    return keeping_of_views(graph, keeping_of_streams(graph))


def windowed(*window: Any) -> DataFrame:
    grouped = read("events").groupBy("device", F.window("at", *window)).agg(F.sum("value").alias("total"))
    return grouped.select("device", F.col("window.start").alias("window_start"), "total")


def test_view_needs_no_hint_for_its_short_cut(spark: SparkSession) -> None:
    found = kept(spark, lambda: materialized_view(name="hours")(lambda: windowed("1 hour")))

    assert (found["hours"].way, found["hours"].keys) == ("by touched keys", ("device", "window_start"))


def test_hint_that_differs_from_the_query_is_an_error_that_shows_the_right_one(spark: SparkSession) -> None:
    def declare() -> None:
        hint = TimeWindow("at", timedelta(hours=8))
        materialized_view(name="shifts", time_window=hint)(lambda: windowed("8 hours", None, "6 hours"))

    with pytest.raises(AuthorError, match="`time_window` of `shifts` is not the window") as raised:
        kept(spark, declare)

    assert raised.value.remedy == (
        'Write time_window=TimeWindow("at", timedelta(hours=8), offset=timedelta(hours=6)), or leave `time_window` out.'
    )


def test_hint_whose_offset_is_the_query_s_modulo_the_width_agrees(spark: SparkSession) -> None:
    def declare() -> None:
        hint = TimeWindow("at", timedelta(hours=8), offset=timedelta(hours=-2))
        materialized_view(name="shifts", time_window=hint)(lambda: windowed("8 hours", None, "6 hours"))

    assert kept(spark, declare)["shifts"].way == "by touched keys"


def test_hint_without_the_query_s_zone_is_an_error_that_shows_it(spark: SparkSession) -> None:
    def declare() -> None:
        def days() -> DataFrame:
            local = F.from_utc_timestamp("at", "Europe/Berlin")
            return read("events").groupBy(F.window(local, "1 day")).count().select("window.start", "count")

        materialized_view(name="days", time_window=TimeWindow("at", timedelta(days=1)))(days)

    with pytest.raises(AuthorError, match="`time_window` of `days` is not the window") as raised:
        kept(spark, declare)

    shown = 'time_window=TimeWindow("at", timedelta(days=1), zone="Europe/Berlin")'
    assert raised.value.remedy == f"Write {shown}, or leave `time_window` out."


@pytest.mark.parametrize("keys", [["value"], ["device", "value"]])
def test_hint_of_other_keys_is_an_error_that_shows_the_right_ones(spark: SparkSession, keys: list[str]) -> None:
    with pytest.raises(AuthorError, match="`keys` of `hours` are not the columns that its query groups by") as raised:
        kept(spark, lambda: materialized_view(name="hours", keys=keys)(lambda: windowed("1 hour")))

    assert raised.value.remedy == 'Write keys=["device"], or leave `keys` out.'


@pytest.mark.parametrize("keys", [["device"], ["window_start", "device"]])
def test_hint_of_keys_may_name_the_window(spark: SparkSession, keys: list[str]) -> None:
    found = kept(spark, lambda: materialized_view(name="hours", keys=keys)(lambda: windowed("1 hour")))

    assert found["hours"].way == "by touched keys"


def once() -> DataFrame:
    return read_stream("events").dropDuplicates(["device"])


def counted() -> DataFrame:
    return read_stream("events").groupBy("device").count()


def test_table_that_reads_a_stream_and_has_state_is_kept_with_it(spark: SparkSession) -> None:
    assert kept(spark, lambda: table(name="once")(once)) == {}


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "state_over_files": (
        lambda: table(name="t")(lambda: read_files("others").dropDuplicates(["device"])),
        "`t` has dropDuplicates over files, which keeps a state that files read again would contradict",
    ),
    "stream_of_replaced_rows": (
        lambda: (table(name="counted")(counted), table(name="t")(lambda: read_stream("counted"))),
        "`t` has the stream of `counted`, which replaces its rows and not only adds some",
    ),
    "stream_of_a_view": (
        lambda: (
            materialized_view(name="hours")(lambda: windowed("1 hour")),
            table(name="t")(lambda: read_stream("hours")),
        ),
        "`t` has the stream of `hours`, which replaces its rows and not only adds some",
    ),
    "state_over_overwrites": (
        lambda: (
            table(name="again")(lambda: read_files("again", allow_overwrites=True)),
            table(name="copied")(lambda: read_stream("again")),
            table(name="t")(lambda: read_stream("copied").dropDuplicates(["device"])),
        ),
        "`t` has dropDuplicates over rows of `again`, whose files allow overwrites, which cannot take back",
    ),
    "state_over_a_quarantine": (
        lambda: (
            table(name="good", expectations="good", quarantine="bad")(lambda: read_stream("events")),
            table(name="bad")(lambda: read_quarantine("good")),
            table(name="t")(lambda: read_stream("bad").groupBy("device").count()),
        ),
        "`t` has an aggregate over the quarantine `bad`, which cannot take back what it has counted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_source_that_a_table_cannot_follow_is_refused(spark: SparkSession, name: str) -> None:
    declare, problem = REFUSED[name]

    with pytest.raises(AuthorError, match=problem) as raised:
        kept(spark, declare)
    assert raised.value.remedy


def test_table_read_whole_may_have_overwritten_files_beside_state(spark: SparkSession) -> None:
    def declare() -> None:
        table(name="halls")(lambda: read_files("halls", allow_overwrites=True))
        table(name="t")(lambda: once().join(read("halls").select("device"), "device"))

    assert kept(spark, declare) == {}


def test_quarantine_of_a_table_with_state_has_the_columns_of_its_query(spark: SparkSession) -> None:
    with collecting(Registry()) as registry:
        table(name="events")(lambda: read_files("events"))
        table(name="counted", expectations="counted", quarantine="busy")(counted)
        table(name="busy")(lambda: read_quarantine("counted"))
    graph = resolve(registry, lambda *_: spark.createDataFrame([], COLUMNS), empty_like, carries_rows)

    assert graph.nodes["busy"].stored_columns == ["device", "count", "failed_expectations", "quarantined_at"]


def exploded(*, of: str = "events") -> DataFrame:
    return read_stream(of).withColumn("n", F.explode(F.array("value", "value")))


def guarded(name: str, query: Callable[[], DataFrame]) -> None:
    table(name=name, expectations="suite", quarantine=f"not_{name}")(query)
    table(name=f"not_{name}")(lambda: read_quarantine(name))


def test_several_rows_of_a_record_are_kept_in_front_of_a_quarantine(spark: SparkSession) -> None:
    assert kept(spark, lambda: guarded("good", exploded)) == {}


def test_rows_that_cannot_be_numbered_are_refused_in_front_of_a_quarantine_only(spark: SparkSession) -> None:
    def drawn() -> DataFrame:
        return exploded().where(F.rand() < 0.5)

    assert kept(spark, lambda: table(name="all")(drawn)) == {}
    with pytest.raises(
        AuthorError,
        match=r"test_keeping.py:\d+: the streaming table `good` has `rand` in front of a quarantine",
    ):
        kept(spark, lambda: guarded("good", drawn))


def test_rows_that_are_not_numbered_are_refused_in_front_of_a_quarantine_downstream(spark: SparkSession) -> None:
    def declare() -> None:
        table(name="all")(lambda: exploded().where(F.rand() < 0.5))
        guarded("good", lambda: read_stream("all"))

    with pytest.raises(AuthorError, match="the streaming table `all` has `rand` in front of a quarantine"):
        kept(spark, declare)


_VIEWS = """
from pyspark.sql import functions as F
from pipeline import materialized_view, read, read_files, table

def grouped(*window):
    rows = read("events").groupBy("device", F.window("at", *window)).agg(
        F.count("*").alias("readings"), F.avg("value").alias("mean"))
    return rows.select("device", F.col("window.start").alias("window_start"), "readings", "mean")

@table
def events():
    raw = read_files("events", schema_hints="device STRING, at STRING, value DOUBLE")
    return raw.withColumn("at", F.to_timestamp("at"))

@materialized_view
def shifts():
    return grouped("8 hours", None, "6 hours")

@materialized_view
def moving():
    return grouped("1 hour", "30 minutes").where("device = 'P1'")

@materialized_view
def hot():
    return grouped("1 hour").where("mean > 40")
"""


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize("amount", ["few", "many"], indirect=True)
def test_views_of_any_windows_equal_their_queries_after_late_rows(
    lakehouse: TestLakehouse, tmp_path: Path, amount: str
) -> None:
    assert amount
    (tmp_path / "views.py").write_text(_VIEWS, encoding="utf-8")
    (tmp_path / "suites").mkdir()
    settings = tmp_path / "views.yml"
    settings.write_text("name: V\nschema: views\nsource: views.py\nexpectations: suites\n", encoding="utf-8")
    home = replace(lakehouse, settings_file=settings)

    def land(name: str, *rows: tuple[str, str, float]) -> None:
        records = [{"device": device, "at": f"2026-03-01T{time}:00Z", "value": value} for device, time, value in rows]
        home.land(name, records, folder="events")

    land("a.json", ("P1", "06:30", 45.0), ("P1", "13:45", 45.0), ("P2", "06:30", 50.0))
    assert home.update().state == "COMPLETED"
    land("b.json", ("P1", "06:45", 5.0), ("P3", "06:10", 60.0))
    assert home.update().state == "COMPLETED"

    def rows(view: str) -> list[tuple[Any, ...]]:
        return sorted((row["device"], row["window_start"], row["readings"], row["mean"]) for row in home.rows(view))

    assert rows("shifts") == [
        ("P1", at(6), 3, pytest.approx(95 / 3)), ("P2", at(6), 1, 50.0), ("P3", at(6), 1, 60.0),
    ]  # fmt: skip
    assert rows("moving") == [
        ("P1", at(6), 2, 25.0), ("P1", at(6, 30), 2, 25.0), ("P1", at(13), 1, 45.0), ("P1", at(13, 30), 1, 45.0),
    ]  # fmt: skip
    assert rows("hot") == [("P1", at(13), 1, 45.0), ("P2", at(6), 1, 50.0), ("P3", at(6), 1, 60.0)]
