"""Rules of a source become suites of Great Expectations, which Data Docs show with the counts of the last batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.commands.app import app
from pipeline.foundation.command_line import run_command
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

SOURCE = """
import dlt
from pyspark.sql.functions import col


@dlt.table
@dlt.expect_or_drop("known", "id IS NOT NULL AND amount > 0")
@dlt.expect("cheap", col("amount") < 100)
def orders():
    raw = spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")
    return raw.option("cloudFiles.inferColumnTypes", "true").load("/Volumes/main/shop/raw")


@dlt.table
@dlt.expect_or_fail("few", "count < 10 OR count IS NULL")
def counted():
    return dlt.read("orders").groupBy("id").count()
"""


def suites(project: Project) -> dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]]:
    folder = project.lakehouse.home.state / "suites" / "shop"
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")}
    return {
        name: [(one["type"], one["kwargs"], one["meta"]) for one in suite["expectations"]]
        for name, suite in found.items()
    }


def test_update_generates_suites_that_data_docs_show(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("source/a.py", SOURCE)
    project.write("raw/a.json", json.dumps([{"id": 1, "amount": 5}, {"id": 2, "amount": 500}, {"id": 3, "amount": 0}]))
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    file = project.folder / "source/a.py"
    known = {"name": "known", "action": "drop", "declared": f"{file}:6"}
    between, few = (
        "expect_column_values_to_be_between",
        "SELECT * FROM {batch} WHERE (count < 10 OR count IS NULL) IS FALSE",
    )
    assert suites(project) == {
        "orders": [
            ("expect_column_values_to_not_be_null", {"column": "id"}, known),
            (between, {"column": "amount", "min_value": 0, "strict_min": True}, known),
            (between, {"column": "amount", "max_value": 100, "strict_max": True}, {**known, "name": "cheap", "action": "warn"}),
        ],
        "counted": [
            ("unexpected_rows_expectation", {"unexpected_rows_query": few},
             {"name": "few", "action": "fail", "declared": f"{file}:14"}),
        ],
    }  # fmt: skip
    arguments = ["data-docs", "--home", str(shop.home.root), "--pipeline", str(shop.settings_file)]
    assert run_command(app, "python -m pipeline", arguments) == 0
    site = shop.home.state / "data_docs" / "shop"
    assert (site / "index.html").as_uri() in capsys.readouterr().out
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (site / "validations").rglob("*.html")}
    assert set(pages) == {"orders", "counted"}
    assert "values must be less than" in pages["orders"]
    assert "33.33% unexpected" in pages["orders"] or "33% unexpected" in pages["orders"]


@pytest.mark.slow
def test_suite_of_a_table_that_lost_its_rules_goes_with_them(project: Project) -> None:
    project.write("source/a.py", SOURCE)
    project.write("raw/a.json", json.dumps([{"id": 1, "amount": 5}]))
    shop = project.settings()
    shop.update()
    project.write("source/a.py", SOURCE.replace('@dlt.expect_or_fail("few", "count < 10 OR count IS NULL")\n', ""))
    assert shop.update().state == "COMPLETED"
    assert set(suites(project)) == {"orders"}


def test_suite_for_a_table_of_the_source_is_refused_because_nothing_would_judge_by_it(project: Project) -> None:
    project.write("expectations/t.json", '{"name": "t", "expectations": []}')
    with pytest.raises(AuthorError, match=r"t\.json is the suite of a table that the pipeline's source declares"):
        project.opened("import dlt\n\n@dlt.table\ndef t():\n    return spark.range(1)\n", expectations="expectations")
