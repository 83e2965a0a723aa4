from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline import materialized_view, read, read_files, read_quarantine, read_stream, table, temporary_view
from pipeline.declare.dataset import Registry, TimeWindow
from pipeline.declare.decorators import collecting
from pipeline.declare.load import load_declarations
from pipeline.declare.resolve import resolve
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.plans.plan import empty_like

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame

    from pipeline.declare.graph import Graph

pytestmark = pytest.mark.spark

HOUR = TimeWindow("at", timedelta(hours=1))


def graph_of(spark: SparkSession, declare: Callable[[], Any]) -> Graph:
    with collecting(Registry()) as registry:
        declare()
    return resolve(registry, lambda _dataset, _source: spark.createDataFrame([], "id STRING, at TIMESTAMP"), empty_like)


def refusal(spark: SparkSession, declare: Callable[[], Any]) -> AuthorError:
    with pytest.raises(AuthorError) as raised:
        graph_of(spark, declare)
    assert raised.value.problem.startswith(f"{__file__}:")
    return raised.value


def orders() -> DataFrame:
    return read_files("orders")


def nothing() -> Any:
    """Build something, perhaps, and forget to return it."""


def test_tables_declared_in_any_order_stand_after_what_they_read(spark: SparkSession) -> None:
    def declare() -> None:
        materialized_view(name="hours")(lambda: read("clean").groupBy("id").count())
        table(name="clean")(lambda: read_stream("step"))
        temporary_view(name="step")(lambda: read_stream("orders").where("id is not null"))
        table(orders)

    graph = graph_of(spark, declare)
    assert list(graph.nodes) == ["orders", "step", "clean", "hours"]
    assert [node.name for node in graph.tables] == ["orders", "clean", "hours"]
    assert {name: node.inputs for name, node in graph.nodes.items()} == {
        "orders": [],
        "step": ["orders"],
        "clean": ["step"],
        "hours": ["clean"],
    }
    assert graph.nodes["orders"].files is not None
    assert graph.upstream({"clean"}) == {"clean", "step", "orders"}
    assert graph.downstream({"step"}) == {"step", "clean", "hours"}


def test_table_with_expectations_gains_warnings_and_loses_what_only_they_need(spark: SparkSession) -> None:
    def declare() -> None:
        table(orders)
        table(name="clean", expectations="clean", expectation_columns=["limit"], quarantine="rejected")(
            lambda: read_stream("orders").withColumn("limit", F.lit(1))
        )
        table(name="rejected")(lambda: read_quarantine("clean"))
        materialized_view(name="all_clean")(lambda: read("clean"))

    graph = graph_of(spark, declare)
    columns = {name: node.schema.columns for name, node in graph.nodes.items() if node.schema is not None}
    assert columns["clean"] == ["id", "at", "limit"]
    assert columns["all_clean"] == ["id", "at", "warnings"]
    assert columns["rejected"] == ["id", "at", "failed_expectations", "quarantined_at"]
    assert graph.nodes["rejected"].quarantine_of == "clean"


def test_unknown_input_is_refused_with_the_nearest_name(spark: SparkSession) -> None:
    def declare() -> None:
        table(orders)
        table(name="clean")(lambda: read_stream("order"))

    error = refusal(spark, declare)
    assert isinstance(error, UnknownNameError)
    assert "there is no dataset `order`" in error.problem
    assert error.remedy == "Did you mean `orders`?"


def test_inputs_in_a_circle_are_refused_and_the_circle_is_shown(spark: SparkSession) -> None:
    def declare() -> None:
        materialized_view(name="a")(lambda: read("b"))
        materialized_view(name="b")(lambda: read("c"))
        materialized_view(name="c")(lambda: read("b"))

    assert "the inputs form a cycle: b -> c -> b." in refusal(spark, declare).problem


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        pytest.param(
            lambda: table(name="t")(lambda: read("orders")),
            "`t` reads 0 of files, streams and quarantines",
            id="table_without_stream",
        ),
        pytest.param(
            lambda: table(name="t")(lambda: read_stream("orders").unionByName(read_files("others"))),
            "`t` reads 2 of files, streams and quarantines",
            id="table_with_two_streams",
        ),
        pytest.param(
            lambda: materialized_view(name="t")(lambda: read_stream("orders")), "reads a stream", id="view_of_a_stream"
        ),
        pytest.param(
            lambda: materialized_view(name="t")(lambda: read_files("orders")), "reads a stream", id="view_of_files"
        ),
        pytest.param(
            lambda: materialized_view(name="t", time_window=HOUR)(
                lambda: read("orders").join(read("other"), on="id", how="inner")
            ),
            "a time window and 2 sources",
            id="window_over_two_sources",
        ),
        pytest.param(
            lambda: table(name="t")(lambda: read_files("orders").union(read_files("returns"))),
            "the streaming table `t` reads files of `orders` and of `returns`",
            id="two_folders",
        ),
        pytest.param(
            lambda: table(name="t")(lambda: read_quarantine("orders")),
            "does not name `t` as its quarantine",
            id="quarantine_of_nobody",
        ),
        pytest.param(
            lambda: table(name="t")(lambda: read_stream("orders").select("amount")),
            "the query of `t` does not run: [UNRESOLVED_COLUMN",
            id="unknown_column",
        ),
        pytest.param(
            lambda: table(name="t", expectations="s", quarantine="t_rejected")(lambda: read_stream("orders")),
            "the quarantine of `t`, `t_rejected`, is not declared",
            id="quarantine_not_declared",
        ),
        pytest.param(
            lambda: table(name="t", expectations="s", quarantine="other")(lambda: read_stream("orders")),
            "the quarantine of `t`, `other`, is not declared",
            id="quarantine_filled_by_another_query",
        ),
        pytest.param(
            lambda: table(name="t", expectations="s", expectation_columns=["limit"])(orders),
            "`t` has expectation columns, but no rows of another table to judge",
            id="expectation_columns_on_files",
        ),
        pytest.param(
            lambda: materialized_view(name="t", time_window=HOUR)(lambda: read("whole")),
            "`t` has a time window; it can only read a streaming table",
            id="window_over_a_view",
        ),
        pytest.param(
            lambda: materialized_view(name="t")(nothing),
            "the query of `t` returns NoneType; expected a DataFrame",
            id="query_without_return",
        ),
    ],
)
def test_declaration_that_cannot_be_run_is_refused_with_file_and_line(
    spark: SparkSession, declare: Callable[[], Any], said: str
) -> None:
    def with_sources() -> None:
        table(orders)
        table(name="other")(orders)
        materialized_view(name="whole")(lambda: read("orders"))
        declare()

    assert said in refusal(spark, with_sources).problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("x = 1\n", "declares no table", id="nothing_declared"),
        pytest.param("import nothing_like_it\n", "ModuleNotFoundError", id="import_that_fails"),
        pytest.param("x = (\n", "SyntaxError", id="no_python"),
    ],
)
def test_source_that_gives_no_tables_is_refused(tmp_path: Path, text: str, said: str) -> None:
    source = tmp_path / "tables.py"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(AuthorError, match=said):
        load_declarations(source)


def test_source_that_is_missing_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="Correct `source` in the settings file"):
        load_declarations(tmp_path / "none.py")


def test_source_may_import_modules_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "steps_beside.py").write_text("COMMENT = 'from beside'\n", encoding="utf-8")
    source = tmp_path / "tables.py"
    source.write_text(
        "from pipeline import table\nfrom steps_beside import COMMENT\n\n@table(comment=COMMENT)\ndef a(): ...\n",
        encoding="utf-8",
    )
    assert load_declarations(source).datasets["a"].comment == "from beside"


def test_module_changed_within_a_second_by_as_many_characters_is_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    source = tmp_path / "twice.py"
    for comment in ("one", "two"):
        source.write_text(
            f"from pipeline import read_files, table\n\n\n@table(comment='{comment}')\ndef a():\n    return read_files('x')\n"
        )
        os.utime(source, (1_700_000_000, 1_700_000_000))
        assert load_declarations(source).datasets["a"].comment == comment
