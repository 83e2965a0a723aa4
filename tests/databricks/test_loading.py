"""What a source's files find while they declare: handles, modules of their own, and data that may be missing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pipeline.flows.dry_run import facts_of
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

TABLE = "\n@dlt.table\ndef t():\n    return spark.range(1)\n"
HANDLES = """
import dlt
from dataclasses import dataclass
from databricks.sdk.runtime import spark as session
from pyspark.dbutils import DBUtils


@dataclass(frozen=True)
class Config:
    name: "str" = "t"


displayHTML("<b>t</b>")
dbutils.library.restartPython()
assert session is spark
assert DBUtils(spark).widgets is dbutils.widgets


def declare():
    @dlt.table(name=Config().name)
    def made():
        return spark.range(1)


if __name__ == "__main__":
    declare()
"""


def test_source_finds_what_notebooks_find_without_an_import(project: Project) -> None:
    assert list(project.opened(HANDLES).graph.nodes) == ["t"]


def test_module_beside_the_folder_of_the_tables_is_found(project: Project) -> None:
    project.write("source/etl/helpers_of_shop/names.py", "NAME = 't'\n")
    text = "import dlt\nfrom helpers_of_shop.names import NAME\n\n@dlt.table(name=NAME)\ndef x():\n    return spark.range(1)\n"
    opened = project.opened(text, name="etl/tables/bronze/a.py", sources="source/etl/tables/**")
    assert list(opened.graph.nodes) == ["t"]


def test_module_in_a_workspace_folder_is_found_where_the_settings_place_it(project: Project) -> None:
    project.write("source/shared/names_of_shop.py", "NAME = 't'\n")
    text = (
        "import dlt, sys\nsys.path.append('/Workspace/Users/ada/shared')\nfrom names_of_shop import NAME\n\n"
        "@dlt.table(name=NAME)\ndef x():\n    return spark.range(1)\n"
    )
    with pytest.raises(AuthorError, match=r"a\.py:3: there is no module `names_of_shop` here.*/Workspace/Users/ada"):
        project.opened(text, sources="source/a.py")
    opened = project.opened(text, sources="source/a.py", paths={"/Workspace/Users/ada": "source"})
    assert list(opened.graph.nodes) == ["t"]


def test_query_that_asks_for_a_parameter_without_a_value_is_refused_with_its_line(project: Project) -> None:
    text = "import dlt\n\n@dlt.table\ndef t():\n    return spark.range(int(spark.conf.get('rows')))\n"
    with pytest.raises(AuthorError, match=r"a\.py:5: the parameter `rows` has no value\."):
        project.opened(text)


@pytest.mark.slow
def test_function_of_a_source_runs_in_sparks_workers(project: Project) -> None:
    text = (
        "import dlt\nfrom dataclasses import dataclass\nfrom pyspark.sql.functions import udf\n\n"
        "@dataclass\nclass Rate:\n    value: int = 3\n\nRATE = Rate()\n\n"
        "@udf('int')\ndef tripled(x):\n    return x * RATE.value\n\nONE = tripled('id').alias('n')\n\n"
        "@dlt.table\ndef t():\n    return spark.range(3).select(ONE)\n"
    )
    project.write("source/a.py", text)
    shop = project.settings()
    assert shop.update().state == "COMPLETED"
    assert shop.rows("t", by="n") == [{"n": 0}, {"n": 3}, {"n": 6}]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dbutils.fs.ls('/Volumes/main/shop/nowhere')", "`/Volumes/main/shop/nowhere` stands nowhere"),
        ("dbutils.fs.ls('/Volumes/main/shop/raw')", "nothing is there"),
        ("open('/Volumes/main/shop/raw/rules.json')", "Python finds no file at `/Volumes/main/shop/raw/rules.json`"),
        ("spark.table('ref.rules').first()", "`ref.rules` is not a table of this pipeline"),
    ],
)
def test_dry_run_without_data_for_a_declaration_checks_the_rest(project: Project, line: str, said: str) -> None:
    project.write("source/b.py", f"import dlt\n{TABLE}")
    text = f"import dlt\n{line}\n{TABLE.replace('def t', 'def u')}"
    with pytest.raises(NoDataError, match=re.escape(said)):
        project.opened(text)
    opened = project.opened(text, needs_data=False)
    assert [fact["name"] for fact in facts_of(opened)] == ["t"]
    assert opened.loaded is not None
    (note,) = opened.loaded.notes
    assert re.search(rf"a\.py:2: .*{re.escape(said)}.* The rest of a\.py is not checked\.", note)


def test_dry_run_in_which_missing_data_hides_every_declaration_names_the_data(project: Project) -> None:
    with pytest.raises(NoDataError, match=r"a\.py:2: `dbfs:/nowhere` stands"):
        project.opened(f"import dlt\ndbutils.fs.ls('dbfs:/nowhere')\n{TABLE}", needs_data=False)


def test_star_import_of_functions_has_their_former_names(project: Project) -> None:
    text = """import dlt
from pyspark.sql.functions import *

@dlt.table
def t():
    return spark.range(3).select(countDistinct("id").alias("n"), lit(5).alias("x"))
"""
    assert [fact["name"] for fact in facts_of(project.opened(text))] == ["t"]


def test_query_that_opens_a_missing_file_is_not_checked(project: Project) -> None:
    text = "import dlt\n\n@dlt.table\ndef t():\n    return spark.createDataFrame(open('rules.csv'), 'x STRING')\n"
    with pytest.raises(NoDataError, match=r"a\.py:5: Python finds no file at `rules\.csv`"):
        project.opened(text)
    (fact,) = facts_of(project.opened(text, needs_data=False))
    assert (fact["name"], fact["kept"]) == ("t", "columns not checked")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("spark.range(1).write.saveAsTable('x')", "`write` in a pipeline's source would write"),
        ("spark.range(1).writeTo('x').create()", "`writeTo` in a pipeline's source would write"),
        ("spark.readStream.table('t').writeStream.start()", "`writeStream` in a pipeline's source would write"),
        ("spark.sql('USE CATALOG main')", "`spark.sql` is given `USE CATALOG main …`, which is not a query"),
        ("spark.sql('WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x')", "`INSERT` in a query would write"),
        ("spark.sql('FROM t INSERT OVERWRITE u SELECT 1')", "`INSERT` in a query would write"),
        ("spark.sql('-- once\\n/* x */ DROP TABLE t')", "`spark.sql` is given `DROP TABLE t …`"),
    ],
)
def test_source_that_writes_is_refused_before_anything_is_written(project: Project, line: str, said: str) -> None:
    text = f"import dlt\n{TABLE}\n@dlt.table\ndef u():\n    {line}\n    return dlt.read('t')\n"
    with pytest.raises(AuthorError, match=re.escape(said)) as raised:
        project.opened(text)
    assert "a.py:9: " in raised.value.problem


def test_spark_sql_that_spark_does_not_take_is_refused_with_its_line(project: Project) -> None:
    text = 'import dlt\n\n@dlt.table\ndef t():\n    return spark.sql("""\n        SELECT nothing\n    """)\n'
    with pytest.raises(AuthorError, match="nothing") as raised:
        project.opened(text)
    assert "a.py:6: " in raised.value.problem


def test_session_writes_outside_of_a_source(project: Project) -> None:
    project.opened(f"import dlt\n{TABLE}")
    spark = project.lakehouse.spark
    spark.range(2).write.json(str(project.folder / "out"))
    lines = [line for file in (project.folder / "out").glob("*.json") for line in file.read_text().splitlines()]
    assert sorted(json.loads(line)["id"] for line in lines) == [0, 1]
