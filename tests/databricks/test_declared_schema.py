"""Columns that a declaration gives: computed, checked against the query, and never changed in silence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

QUERY = "spark.range(1, 3).selectExpr('cast(id AS INT) AS id', 'timestamp_seconds(id) AS at')"


def table(schema: str, query: str = QUERY) -> str:
    return f"import dlt\n\n@dlt.table(schema={schema})\ndef t():\n    return {query}\n"


@pytest.mark.slow
def test_declared_columns_come_in_their_order_with_those_that_are_generated(project: Project) -> None:
    ddl = (
        "at TIMESTAMP, ID BIGINT NOT NULL, `day` DATE GENERATED ALWAYS AS (CAST(at AS DATE)), later STRING COMMENT 'x'"
    )
    project.write("source/a.py", table(f'"{ddl}"', f"{QUERY}.selectExpr('id', 'at')"))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    rows = shop.rows("t", by="ID")
    assert [list(row) for row in rows] == [["at", "ID", "day", "later"]] * 2
    assert [(row["ID"], str(row["day"]), row["later"]) for row in rows] == [
        (1, "1970-01-01", None),
        (2, "1970-01-01", None),
    ]
    assert [rule["name"] for rule in shop.quality("t")[0]["expectations"]] == ["ID is not null"]


@pytest.mark.slow
def test_columns_of_a_table_that_flows_fill_are_those_of_each_flow(project: Project) -> None:
    project.write("source/a.sql", (
        "CREATE STREAMING TABLE t (id BIGINT, name STRING);\n"
        "CREATE FLOW a AS INSERT INTO t BY NAME SELECT CAST(id AS INT) AS id FROM STREAM read_files(\n"
        "  '/Volumes/main/shop/raw', format => 'json');\n"
    ))  # fmt: skip
    project.write("raw/a.json", '{"id": 1}')
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert shop.rows("t") == [{"id": 1, "name": None}]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ('"id INT"', "`t` declares its columns, and its query also returns at."),
        ('"id STRING, at TIMESTAMP"', "`t` declares `id` as string, and its query returns int."),
        ('"id SMALLINT, at TIMESTAMP"', "`t` declares `id` as smallint, and its query returns int."),
        ('"id INT, at TIMESTAMP, n BIGINT GENERATED ALWAYS AS IDENTITY"', "identity"),
    ],
)
def test_schema_that_the_query_does_not_have_is_refused_with_its_line(project: Project, schema: str, said: str) -> None:
    with pytest.raises(AuthorError, match=re.escape(said)) as raised:
        project.opened(table(schema))
    assert "a.py:3: " in raised.value.problem


def test_schema_that_the_query_has_changes_nothing(project: Project) -> None:
    fields = "StructType().add('id', 'integer').add('at', 'timestamp')"
    opened = project.opened(f"from pyspark.sql.types import StructType\n{table(fields)}")
    assert opened.graph.nodes["t"].stored_columns == ["id", "at"]
    assert not opened.suites


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", table("None").replace("schema=None", "cluster_by=['id'], partition_cols=['at']")),
        ("a.sql", "CREATE MATERIALIZED VIEW t PARTITIONED BY (at) CLUSTER BY (id) AS SELECT 1 AS id, 2 AS at;\n"),
    ],
)
def test_clusters_and_partitions_are_listed_as_without_effect(project: Project, name: str, text: str) -> None:
    opened = project.opened(text, name=name)
    notes: Any = opened.loaded.notes if opened.loaded else ()
    (note,) = notes
    assert re.search(r"`(cluster_by|CLUSTER BY)`", note)
    assert re.search(r"`(partition_cols|PARTITIONED BY)`, ?|`(partition_cols|PARTITIONED BY)`", note)
    assert note.endswith("without effect here")
