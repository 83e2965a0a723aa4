from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.databricks.sql.source import declared_in, rows_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError
from pipeline.plans.plan import empty_like

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

pytestmark = pytest.mark.spark


@dataclass
class Tables:
    """Gives the frames of tables, and keeps what was asked for."""

    frames: dict[str, DataFrame]
    asked: list[Any] = field(default_factory=list)

    def table(self, name: str, *, as_stream: bool, options: Mapping[str, str] | None = None) -> DataFrame:
        self.asked.append((name, as_stream, options))
        if name not in self.frames:
            raise AuthorError(f"`{name}` is not a table.", "Declare it.")
        frame = self.frames[name]
        return empty_like(frame, is_streaming=True) if as_stream else frame

    def files(
        self, path: str, options: Mapping[str, str], *, as_stream: bool, schema: str | StructType | None = None
    ) -> DataFrame:
        self.asked.append((path, dict(options), as_stream, schema))
        frame = self.frames["files"]
        return empty_like(frame, is_streaming=True) if as_stream else frame


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    (tmp_path / "one.json").write_text('{"who": "a"}\n{"who": "b", "info": "x"}\n', encoding="utf-8")
    orders = spark.createDataFrame([(1, "a", 5.0), (2, "b", 7.0), (3, "a", 9.0)], "id INT, who STRING, amount DOUBLE")
    people = spark.createDataFrame([("a", '{"city": {"zip": "12"}}'), ("b", "{}")], "who STRING, info STRING")
    files = spark.read.schema("who STRING, info STRING").json(str(tmp_path))
    frames = {"orders": orders, "people": people, "s.people": people, "LIVE.orders": orders, "files": files}
    return Tables(frames)


def rows(spark: SparkSession, tables: Tables, text: str, **arguments: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows_of(text, spark, tables, arguments, SourceLocation("f.py", 5)).collect()]


QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "names": (
        "SELECT LIVE.orders.id, s.people.info:city.zip AS zip FROM LIVE.orders JOIN s.people USING (who) ORDER BY id",
        [(1, "12"), (2, None), (3, "12")],
    ),
    "except_and_group_by_all": (
        "SELECT * EXCEPT (id), count(*) FROM (SELECT * EXCEPT (amount) FROM orders) GROUP BY ALL ORDER BY 1",
        [("a", 2), ("b", 1)],
    ),
    "paths_into_variants": (
        "SELECT parse_json(info):city.zip::string AS z FROM people ORDER BY who",
        [("12",), (None,)],
    ),
    "self_join": ("SELECT a.id, b.id FROM orders a, orders b WHERE a.who = b.who AND a.id < b.id", [(1, 3)]),
    "with": ("WITH orders AS (SELECT * FROM orders WHERE id > 1) SELECT id FROM orders", [(2,), (3,)]),
    "casts_and_qualify": (
        "SELECT amount::int FROM orders QUALIFY row_number() OVER (PARTITION BY who ORDER BY id DESC) = 1 ORDER BY 1",
        [(7,), (9,)],
    ),
    "arguments": ("SELECT id FROM IDENTIFIER(:table) WHERE id = :id", [(2,)]),
    "no_relation": ("SELECT 1 AS a", [(1,)]),
}


@pytest.mark.parametrize("form", QUERIES)
def test_query_is_spark_s_own_over_the_pipeline_s_tables(spark: SparkSession, tables: Tables, form: str) -> None:
    text, expected = QUERIES[form]
    before = spark.catalog.listTables()
    assert rows(spark, tables, text, table="orders", id=2) == expected
    assert spark.catalog.listTables() == before


def test_stream_asks_for_new_rows_and_the_query_streams(spark: SparkSession, tables: Tables) -> None:
    text = "SELECT o.id, info FROM STREAM(orders) o JOIN people USING (who)"
    assert rows_of(text, spark, tables).isStreaming
    assert tables.asked == [("orders", True, None), ("people", False, None)]


def test_files_are_read_with_their_options(spark: SparkSession, tables: Tables) -> None:
    text = "SELECT who FROM STREAM read_files('/Volumes/' || 'x', format => 'json') UNION SELECT who FROM cloud_files('/y', 'csv')"
    assert rows_of(text, spark, tables).isStreaming
    assert rows(spark, tables, "SELECT count(*) FROM json.`/z/*.json`") == [(2,)]
    assert tables.asked == [
        ("/Volumes/x", {"format": "json", "cloudFiles.inferColumnTypes": "true"}, True, None),
        ("/y", {"format": "csv"}, True, None),
        ("/z/*.json", {"format": "json"}, False, None),
    ]


def test_view_that_the_author_s_code_made_is_read_as_it_is(spark: SparkSession, tables: Tables) -> None:
    spark.range(2).createOrReplaceTempView("made")
    try:
        assert rows(spark, tables, "SELECT id FROM made ORDER BY id") == [(0,), (1,)]
    finally:
        spark.catalog.dropTempView("made")
    assert tables.asked == []


def test_frames_of_several_sessions_are_read_together(spark: SparkSession, tables: Tables) -> None:
    tables.frames["other"] = spark.newSession().sql("SELECT 'a' AS who, true AS is_known")
    assert rows(spark, tables, "SELECT id, is_known FROM orders JOIN other USING (who) ORDER BY id") == [
        (1, True),
        (3, True),
    ]


def test_declared_query_gives_its_columns_the_declared_names(spark: SparkSession, tables: Tables) -> None:
    text = "USE s; CREATE LIVE VIEW v (person, facts) AS SELECT * FROM people"
    [dataset] = declared_in(text, "f.sql", 1, spark, tables, {}).declared
    assert dataset.query().columns == ["person", "facts"]  # type: ignore[union-attr, misc]
    assert tables.asked == [("s.people", False, None)]
    [other] = declared_in("CREATE LIVE VIEW v (person) AS SELECT * FROM people", "f.sql", 1, spark, tables, {}).declared
    with pytest.raises(AuthorError) as caught:
        other.query()  # type: ignore[union-attr, misc]
    assert str(caught.value) == "f.sql:1: 1 columns are declared, and the query has 2. Declare these: who, info."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT id,\n nonsense\nFROM orders", "f.py:6: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable,"),
        ("SELECT id\nFROM STREAM(\n orders)\nWHERE id = = 1", "f.py:8: [PARSE_SYNTAX_ERROR] Syntax error at or near"),
        ("SELECT ai_classify(who)\nFROM orders", "f.py:5: Spark has no function `ai_classify`."),
        ("SELECT 1\nFROM nowhere", "f.py:6: `nowhere` is not a table."),
    ],
)
def test_query_that_does_not_run_is_refused_with_its_line(
    spark: SparkSession, tables: Tables, text: str, problem: str
) -> None:
    before = spark.catalog.listTables()
    with pytest.raises(AuthorError) as caught:
        rows(spark, tables, text)
    assert caught.value.problem.startswith(problem)
    assert spark.catalog.listTables() == before


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT *, _metadata.file_name AS name FROM read_files('/x')", ["who", "info", "name"]),
        ("SELECT * FROM (SELECT f.*, _metadata.file_name FROM read_files('/x') f)", ["who", "info", "file_name"]),
        ("SELECT * EXCEPT (info), _metadata FROM json.`/x`", ["who", "_metadata"]),
        ("FROM read_files('/x') |> EXTEND _metadata.file_name AS name", ["who", "info", "name"]),
        ("SELECT * FROM read_files('/x')", ["who", "info"]),
    ],
)
def test_metadata_of_files_can_be_named_and_is_left_out_of_stars(
    spark: SparkSession, tables: Tables, text: str, columns: list[str]
) -> None:
    assert rows_of(text, spark, tables).columns == columns
