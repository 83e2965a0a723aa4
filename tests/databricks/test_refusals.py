"""What cannot be honoured is refused with its line and the next step, before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipeline.flows.dry_run import facts_of
from pipeline.foundation.errors import AuthorError, NoDataError

if TYPE_CHECKING:
    from tests.databricks.conftest import Project

pytestmark = pytest.mark.spark

LOADER = 'spark.readStream.format("cloudFiles").option("cloudFiles.format", "json")'


def table(query: str, decorators: str = "@dlt.table") -> str:
    return f"import dlt\n\n{decorators}\ndef t():\n    return {query}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param(table(f'{LOADER}.load("s3://raw/x/")'), 5, "`s3://raw/x/` stands nowhere", id="path"),
        pytest.param(table('spark.read.table("ref.x")'), 5, "`ref.x` is not a table of this pipeline", id="outside_table"),
        pytest.param(table('spark.readStream.format("kafka").load()'), 5, "format `kafka` has no flow", id="kafka"),
        pytest.param(table("spark.read.table(print)"), 5, "whose name is <built-in function print>", id="no_name"),
        pytest.param(table('spark.range(1).select("nothing")'), 5, "does not run", id="column"),
        pytest.param("import dlt\ndlt.create_sink('a', 'kafka', {})\n", 2, "`create_sink` does not run", id="sink"),
        pytest.param("import dlt\ndlt.pipeline('a')\n", 2, "dlthub's `dlt`", id="dlthub"),
        pytest.param("import dlt\nx = spark.conf.get('a.b')\n", 2, "the parameter `a.b` has no value", id="parameter"),
        pytest.param("x = 1\ndbutils.notebook.run('a')\n", 2, "`dbutils.notebook` exists on Databricks", id="notebook"),
        pytest.param("dbutils.secrets.get('a', 'b')\n", 1, "no secret `a/b`", id="secret"),
        pytest.param("import nothing_of_the_kind\n", 1, "no module `nothing_of_the_kind`", id="module"),
        pytest.param("x = (\n", 1, "SyntaxError", id="syntax"),
        pytest.param(table("spark.range(1)", "@dlt.table(nmae='x')"), 3, "nmae", id="option"),
        pytest.param(table("spark.range(1)", "@dlt.table(row_filter='f')"), 3, "row filter", id="row_filter"),
        pytest.param(
            "import dlt\n@dlt.append_flow(target='t')\ndef f():\n    return spark.range(1)\n",
            2, "appends to `t`, which is not declared", id="flow_without_table",
        ),
        pytest.param(
            table("spark.range(1)", "@dlt.table\n@dlt.expect('a', 'nothing > 1')"), 3, "expectation `a`", id="condition",
        ),
    ],
)  # fmt: skip
def test_source_that_cannot_run_is_refused_with_its_line(project: Project, text: str, line: int, said: str) -> None:
    with pytest.raises(AuthorError, match=re.escape(said)) as raised:
        project.opened(text)
    assert f"a.py:{line}: " in raised.value.problem


def test_dry_run_without_data_checks_what_does_not_depend_on_columns(project: Project) -> None:
    text = table(f'{LOADER}.load("/Volumes/main/shop/raw")') + (
        "\n@dlt.table\ndef u():\n    return dlt.read('t')\n\n@dlt.table\ndef v():\n    return spark.range(1)\n"
    )
    with pytest.raises(NoDataError, match="No data at"):
        project.opened(text)
    facts = facts_of(project.opened(text, needs_data=False))
    assert {one["name"]: one["kept"] for one in facts} == {
        "v": "whole",
        "t": "columns not checked",
        "u": "columns not checked",
    }


def test_source_reads_parameters_secrets_and_its_own_modules(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "42")
    project.write("source/utils.py", "def limited(frame, most):\n    return frame.where(f'id < {most}')\n")
    text = (
        "import dlt\nfrom utils import limited\n\nMOST = spark.conf.get('shop.most')\n\n"
        '@dlt.table(name=f\'numbers_{dbutils.secrets.get("scope", "key")}\')\n'
        "def numbers():\n    import utils\n    return limited(spark.range(9), MOST)\n"
    )
    lakehouse = project.opened(
        text, sources="source/a.py", configuration={"shop.most": 3}, secrets={"scope/key": "${SHOP_KEY}"}
    )
    assert list(lakehouse.graph.nodes) == ["numbers_42"]
