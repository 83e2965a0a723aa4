"""Source files as cells: which are run, in which language, and the line that each begins on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.databricks.notebooks import SourceCell, SourceFile, read_source
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path


def source(folder: Path, name: str, text: str) -> SourceFile:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read_source(file)


def test_plain_file_is_one_cell(tmp_path: Path) -> None:
    assert source(tmp_path, "a.py", "x = 1\n").cells == [SourceCell("python", "x = 1\n", 1)]
    assert source(tmp_path, "a.sql", "SELECT 1").cells == [SourceCell("sql", "SELECT 1", 1)]


EXPORTED = """# Databricks notebook source
# MAGIC %md
# MAGIC # A title
# COMMAND ----------

# MAGIC %pip install faker

# COMMAND ----------

import dlt
%pip install more
x = 1

# COMMAND ----------

# MAGIC %sql
# MAGIC CREATE STREAMING TABLE t AS
# MAGIC SELECT 1
"""


def test_exported_notebook_gives_its_cells_with_their_lines(tmp_path: Path) -> None:
    found = source(tmp_path, "a.py", EXPORTED)
    assert found.cells == [
        SourceCell("python", "import dlt\n\nx = 1\n", 10),
        SourceCell("sql", "\nCREATE STREAMING TABLE t AS\nSELECT 1", 16),
    ]
    assert [(where.line, text) for where, text in found.not_run] == [
        (6, "%pip install faker"),
        (11, "%pip install more"),
    ]


def test_exported_sql_notebook_takes_python_cells_too(tmp_path: Path) -> None:
    text = "-- Databricks notebook source\nSELECT 1\n-- COMMAND ----------\n-- MAGIC %python\n-- MAGIC x = 1\n"
    assert source(tmp_path, "a.sql", text).cells == [SourceCell("sql", "SELECT 1", 2), SourceCell("python", "x = 1", 5)]


def test_jupyter_notebook_gives_the_lines_of_its_file(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# A title"]},
        {"cell_type": "code", "source": ["import dlt\n", "x = 1"]},
        {"cell_type": "code", "source": "%sql\nSELECT 1"},
    ]
    text = json.dumps({"cells": cells, "metadata": {}}, indent=1)
    found = source(tmp_path, "a.ipynb", text)
    assert [(cell.language, cell.text) for cell in found.cells] == [
        ("python", "import dlt\nx = 1"),
        ("sql", "\nSELECT 1"),
    ]
    assert "import dlt" in text.splitlines()[found.cells[0].first_line - 1]


def test_title_of_a_cell_leaves_the_cell_what_it_is(tmp_path: Path) -> None:
    text = (
        "# Databricks notebook source\n# DBTITLE 1,Why\n# MAGIC %md-sandbox\n# MAGIC Some text\n"
        "# COMMAND ----------\n\n# DBTITLE 1,How\n# MAGIC %sql\n# MAGIC SELECT 1\n"
    )
    assert source(tmp_path, "a.py", text).cells == [SourceCell("sql", "\nSELECT 1", 8)]


@pytest.mark.parametrize("line", ["%pip install faker", "!pip install faker", "%restart_python"])
def test_plain_file_with_a_line_for_a_notebook_passes_over_it(tmp_path: Path, line: str) -> None:
    found = source(tmp_path, "a.py", f"{line}\nx = 1\nif x \\\n!= 2:\n    y = 1\n")
    assert found.cells == [SourceCell("python", "\nx = 1\nif x \\\n!= 2:\n    y = 1\n", 1)]
    assert [(where.line, text) for where, text in found.not_run] == [(1, line)]


def test_line_of_a_text_that_looks_like_a_command_stays(tmp_path: Path) -> None:
    text = '# Databricks notebook source\nx = """\n!pip\n%pip\n"""\n'
    assert source(tmp_path, "a.py", text).cells == [SourceCell("python", 'x = """\n!pip\n%pip\n"""', 2)]


@pytest.mark.parametrize("magic", ["%run ./other", "%scala", "%r"])
def test_cell_that_cannot_run_is_refused_with_its_line(tmp_path: Path, magic: str) -> None:
    with pytest.raises(AuthorError, match=r"a\.py:3: "):
        source(tmp_path, "a.py", f"# Databricks notebook source\n\n# MAGIC {magic}\n")


def test_file_that_does_not_hold_a_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="is not a Jupyter notebook"):
        source(tmp_path, "a.ipynb", "{}")
