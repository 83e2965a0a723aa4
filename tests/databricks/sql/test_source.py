"""SQL in, declarations out. No session is needed: queries are only run when they are called."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pipeline.databricks.declared import DeclaredChanges, DeclaredDataset, DeclaredExpectation, DeclaredFlow
from pipeline.databricks.sql.query import SqlQuery, SqlText
from pipeline.databricks.sql.source import SqlSource, declared_in
from pipeline.declare.dataset import SourceLocation

NOTHING = cast("Any", None)


def source(text: str, **parameters: str) -> SqlSource:
    return declared_in(text, "f.sql", 1, NOTHING, NOTHING, parameters)


def at(line: int) -> SourceLocation:
    return SourceLocation("f.sql", line)


def query(text: str, line: int = 1, **more: Any) -> SqlQuery:
    return SqlQuery(SqlText(text, at(line), **more), NOTHING, NOTHING)


def declared(text: str, **parameters: str) -> list[Any]:
    found = source(text, **parameters)
    assert found.refused == []
    return found.declared


def refused(text: str, **parameters: str) -> list[tuple[str, str]]:
    return [(error.problem, error.remedy) for error in source(text, **parameters).refused]


def test_streaming_table_with_all_that_it_can_say_becomes_a_declaration() -> None:
    text = """CREATE OR REFRESH STREAMING TABLE main.sales.orders (
  id BIGINT NOT NULL COMMENT 'it''s the key',
  amount DECIMAL(10, 2),
  tags ARRAY<STRUCT<a: INT, b: STRING>>,
  day DATE GENERATED ALWAYS AS (CAST(at AS DATE)),
  CONSTRAINT has_id EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT `is small` EXPECT (amount < (10 + 1)) ON VIOLATION FAIL UPDATE,
  CONSTRAINT tagged EXPECT (tags IS NOT NULL),
  CONSTRAINT pk PRIMARY KEY (id)
)
PARTITIONED BY (day) CLUSTER BY (id, amount)
COMMENT "the orders" TBLPROPERTIES ('quality' = 'silver', delta.enableChangeDataFeed = true)
SCHEDULE EVERY 1 HOUR
AS SELECT *
FROM STREAM raw;"""
    body = "SELECT *\nFROM STREAM raw"
    assert declared(text) == [
        DeclaredDataset(
            name="main.sales.orders",
            kind="streaming_table",
            where=at(1),
            query=query(body, 14),
            sql=body,
            comment="the orders",
            schema="`id` BIGINT NOT NULL COMMENT 'it\\'s the key', `amount` DECIMAL(10, 2), "
            "`tags` ARRAY<STRUCT<a: INT, b: STRING>>, `day` DATE GENERATED ALWAYS AS (CAST(at AS DATE))",
            properties={"quality": "silver", "delta.enableChangeDataFeed": "true"},
            partition_columns=("day",),
            cluster_columns=("id", "amount"),
            expectations=(
                DeclaredExpectation("has_id", "id IS NOT NULL", "drop"),
                DeclaredExpectation("is small", "amount < (10 + 1)", "fail"),
                DeclaredExpectation("tagged", "tags IS NOT NULL", "warn"),
            ),
            without_effect=("PRIMARY KEY (id)", "PARTITIONED BY", "CLUSTER BY", "SCHEDULE EVERY 1 HOUR"),
        )
    ]


@pytest.mark.parametrize(
    ("head", "kind", "is_private"),
    [
        ("CREATE STREAMING TABLE", "streaming_table", False),
        ("CREATE OR REFRESH STREAMING LIVE TABLE", "streaming_table", False),
        ("CREATE OR REPLACE STREAMING TABLE", "streaming_table", False),
        ("CREATE INCREMENTAL LIVE TABLE", "streaming_table", False),
        ("CREATE OR REFRESH TEMPORARY STREAMING TABLE", "streaming_table", True),
        ("CREATE PRIVATE MATERIALIZED VIEW", "materialized_view", True),
        ("CREATE OR REFRESH MATERIALIZED VIEW", "materialized_view", False),
        ("CREATE LIVE TABLE", "materialized_view", False),
        ("create or refresh live table if not exists", "materialized_view", False),
        ("CREATE TEMPORARY VIEW", "temporary_view", False),
        ("CREATE OR REPLACE LIVE VIEW", "temporary_view", False),
        ("CREATE TEMPORARY STREAMING LIVE VIEW", "temporary_view", False),
        ("CREATE VIEW", "temporary_view", False),
    ],
)
def test_head_says_what_kind_the_dataset_is(head: str, kind: Any, is_private: Any) -> None:
    views = frozenset({"t"}) if kind == "temporary_view" else frozenset[str]()
    expected = DeclaredDataset(
        "t", kind, at(1), query("SELECT 1 AS a", views=views), "SELECT 1 AS a", is_private=is_private
    )
    assert declared(f"{head} LIVE.t AS SELECT 1 AS a") == [expected]


def test_columns_without_types_rename_those_of_the_query() -> None:
    [dataset] = declared("CREATE MATERIALIZED VIEW t (a COMMENT 'first', b) AS SELECT 1, 2")
    assert (dataset.schema, dataset.query) == (None, query("SELECT 1, 2", columns=("a", "b")))


def test_clauses_without_effect_are_listed() -> None:
    [dataset] = declared(
        "CREATE STREAMING TABLE t USING DELTA CLUSTER BY AUTO LOCATION '/mnt/t' DEFAULT COLLATION UTF8_BINARY"
        " TRIGGER ON UPDATE AS SELECT 1"
    )
    assert dataset.without_effect == (
        "CLUSTER BY AUTO",
        "LOCATION '/mnt/t'",
        "DEFAULT COLLATION UTF8_BINARY",
        "TRIGGER ON UPDATE",
    )


def test_row_filter_mask_and_identity_column_are_refused_with_the_declaration() -> None:
    [dataset] = declared(
        "CREATE STREAMING TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 1), n STRING MASK m USING"
        " COLUMNS (id)) WITH ROW FILTER f ON (id) AS SELECT 1"
    )
    assert [problem for problem, _ in dataset.refused] == [
        "it has an identity column, and the numbers that Databricks would give cannot be given here.",
        "it has a row filter or a mask, and here every reader would see all that it hides.",
    ]


def test_flow_appends_to_its_target() -> None:
    text = """CREATE STREAMING TABLE t;
CREATE FLOW first AS INSERT INTO t BY NAME SELECT * FROM STREAM a;
CREATE FLOW backfill COMMENT 'x' AS INSERT INTO ONCE t BY NAME SELECT * FROM b"""
    assert declared(text) == [
        DeclaredDataset("t", "streaming_table", at(1)),
        DeclaredFlow("t", query("SELECT * FROM STREAM a", 2), at(2), "first", "SELECT * FROM STREAM a"),
        DeclaredFlow("t", query("SELECT * FROM b", 3), at(3), "backfill", "SELECT * FROM b", once=True),
    ]


CHANGES: dict[str, str] = {
    "auto_cdc": "AUTO CDC INTO t FROM STREAM(LIVE.s)",
    "apply_changes": "APPLY CHANGES INTO LIVE.t FROM STREAM s",
}


@pytest.mark.parametrize("form", CHANGES)
def test_changes_with_all_clauses_become_a_declaration(form: str) -> None:
    text = f"""{CHANGES[form]}
KEYS (id, `other id`) WHERE kind = 'x' IGNORE NULL UPDATES
APPLY AS DELETE WHEN op = "D" APPLY AS TRUNCATE WHEN op = "T"
SEQUENCE BY struct(at, seq) COLUMNS * EXCEPT (op, seq) STORED AS SCD TYPE 2 TRACK HISTORY ON * EXCEPT (note)"""
    assert declared(text) == [
        DeclaredChanges(
            target="t",
            source="s",
            keys=("id", "other id"),
            where=at(1),
            sequence_by="struct(at, seq)",
            condition="kind = 'x'",
            apply_as_deletes='op = "D"',
            apply_as_truncates='op = "T"',
            except_columns=("op", "seq"),
            ignore_null_updates=True,
            scd_type=2,
            track_except_columns=("note",),
        )
    ]


def test_changes_of_a_flow_and_of_a_table_are_declared_alike() -> None:
    text = """CREATE FLOW f AS AUTO CDC ONCE INTO t FROM s KEYS (id) SEQUENCE BY at COLUMNS (a, b) STORED AS SCD TYPE 1 TRACK HISTORY ON a;
CREATE STREAMING TABLE u FLOW AUTO CDC ONCE FROM (SELECT * FROM STREAM s) KEYS (id) IGNORE NULL UPDATES ON a, b SEQUENCE BY at;
APPLY CHANGES INTO v FROM s KEYS (id) SEQUENCE BY sequence IGNORE NULL UPDATES ON * EXCEPT (a)"""
    of_text = query("SELECT * FROM (SELECT * FROM STREAM s)", 2)
    assert declared(text) == [
        DeclaredChanges("t", "s", ("id",), at(1), "at", columns=("a", "b"), track_columns=("a",), name="f", once=True),
        DeclaredDataset("u", "streaming_table", at(2)),
        DeclaredChanges("u", of_text, ("id",), at(2), "at", null_columns=("a", "b"), once=True),
        DeclaredChanges("v", "s", ("id",), at(3), "sequence", null_except_columns=("a",)),
    ]


def test_parameters_of_the_settings_and_of_the_file_are_put_in() -> None:
    text = """SET raw.folder = /Volumes/${area};
USE CATALOG main;
USE SCHEMA sales;
CREATE TEMPORARY VIEW v AS SELECT '${raw.folder}' AS a;
CREATE MATERIALIZED VIEW IDENTIFIER(:area || '.m') AS SELECT :x;
CREATE LIVE TABLE t AS SELECT * FROM v"""
    known = {"area": "north", "x": "1", "raw.folder": "/Volumes/north"}
    shared = {"arguments": known, "schema": "sales", "views": frozenset({"v"})}
    assert declared(text, area="north", x="1") == [
        DeclaredDataset(
            "v", "temporary_view", at(4), query("SELECT '/Volumes/north' AS a", 4, **shared),
            "SELECT '/Volumes/north' AS a",
        ),
        DeclaredDataset("north.m", "materialized_view", at(5), query("SELECT :x", 5, **shared), "SELECT :x"),
        DeclaredDataset(
            "sales.t", "materialized_view", at(6), query("SELECT * FROM v", 6, **shared), "SELECT * FROM v"
        ),
    ]  # fmt: skip


def test_statements_that_declare_nothing_are_noted() -> None:
    text = "CREATE SCHEMA IF NOT EXISTS s;\nSELECT * FROM t;\nSET spark.sql.x = 1;\nDESCRIBE t"
    found = source(text)
    assert (found.declared, found.refused) == ([], [])
    assert [(str(note.where), note.text) for note in found.notes] == [
        ("f.sql:1", "`CREATE SCHEMA IF NOT ...` is not run: folders come with tables"),
        ("f.sql:2", "`SELECT * FROM t` declares nothing, and is not run"),
        ("f.sql:3", "`spark.sql.x` is set for `${spark.sql.x}` only"),
        ("f.sql:4", "`DESCRIBE t` declares nothing, and is not run"),
    ]


def test_cells_of_other_languages_are_noted_or_refused() -> None:
    text = "\n-- COMMAND ----------\n".join(
        [
            "-- Databricks notebook source",
            *(f"-- MAGIC %{magic}" for magic in ("md x", "pip install y", "run ./z", "python")),
        ]
    )
    found = source(text)
    assert [note.text for note in found.notes] == ["`%pip install y` is not run", "the cell of `%python` is not run"]
    assert [error.problem for error in found.refused] == [
        "f.sql:6: `%run ./z` would put another notebook's definitions here."
    ]


REFUSED: dict[str, tuple[str, str]] = {
    "write": ("INSERT INTO t VALUES (1)", "f.sql:1: `INSERT INTO t VALUES ...` is not a declaration."),
    "plain_table": ("CREATE TABLE t (a INT)", "f.sql:1: a pipeline has no plain tables."),
    "function": ("CREATE FUNCTION f() RETURN 1", "f.sql:1: functions of Unity Catalog exist on Databricks alone."),
    "template": ("CREATE LIVE TABLE {{ t }} AS SELECT 1", "f.sql:1: `{{ ... }}` makes this a template, and not SQL."),
    "parameter": ("CREATE LIVE TABLE t AS\nSELECT ${x}", "f.sql:2: the parameter `x` has no value."),
    "no_query": ("CREATE LIVE TABLE t\nCOMMENT 'x'",
                 "f.sql:2: got the end of the statement; expected `AS` and a query."),
    "unknown_clause": ("CREATE LIVE TABLE t\nSTORED BY x",
                       "f.sql:2: got `STORED`; expected a clause of the declaration, `AS` and a query, or `;`."),
    "open_bracket": ("CREATE LIVE TABLE t AS\nSELECT f(", "f.sql:2: got the end of the statement; expected `)`."),
    "missing_semicolon": ("CREATE LIVE TABLE t AS SELECT 1\nCREATE LIVE TABLE u AS SELECT 2",
                          "f.sql:2: a declaration begins within the query of the one before."),
    "violation": ("CREATE LIVE TABLE t (CONSTRAINT c EXPECT (a) ON VIOLATION IGNORE) AS SELECT 1",
                  "f.sql:1: got `IGNORE`; expected `DROP ROW` or `FAIL UPDATE`."),
    "bitemporal": ("AUTO CDC INTO t FROM s KEYS (a) SEQUENCE BY b STORED AS BITEMPORAL",
                   "f.sql:1: a table with two times (BITEMPORAL)."),
    "from_snapshots": ("AUTO CDC INTO t FROM SNAPSHOT s KEYS (a)",
                       "f.sql:1: changes from snapshots are not read in SQL."),
    "no_keys": ("AUTO CDC INTO t FROM s SEQUENCE BY b", "f.sql:1: the changes have no keys."),
    "time_zone": ("SET TIME ZONE 'Asia/Tokyo'",
                  "f.sql:1: `SET TIME ZONE 'Asia/Tokyo'` would change what later statements mean."),
    "open_string": ("CREATE LIVE TABLE t AS\nSELECT 'x", "f.sql:2: the text in ' does not end."),
}  # fmt: skip


@pytest.mark.parametrize("form", REFUSED)
def test_statement_that_cannot_be_honoured_is_refused_with_its_line(form: str) -> None:
    text, problem = REFUSED[form]
    assert [found for found, _ in refused(text)] == [problem]


def test_other_statements_are_read_beside_a_refused_one() -> None:
    found = source("DROP TABLE t;\nCREATE STREAMING TABLE t")
    assert (len(found.refused), found.declared) == (1, [DeclaredDataset("t", "streaming_table", at(2))])


def test_cell_goes_on_from_what_the_cells_before_it_have_set() -> None:
    first = source("USE sales; SET x = 1")
    second = declared_in("CREATE LIVE TABLE t AS SELECT ${x}", "f.sql", 9, NOTHING, NOTHING, {}, after=first)
    assert second.declared == [
        DeclaredDataset(
            "sales.t",
            "materialized_view",
            at(9),
            query("SELECT 1", 9, arguments={"x": "1"}, schema="sales"),
            "SELECT 1",
        )
    ]
