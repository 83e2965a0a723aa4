from __future__ import annotations

import pytest

from pipeline.databricks.sql.statements import Cell, cells_of, statements_of
from pipeline.foundation.errors import AuthorError

NOTEBOOK = """-- Databricks notebook source
-- MAGIC %md
-- MAGIC # Orders

-- COMMAND ----------

CREATE LIVE TABLE a AS SELECT 1

-- COMMAND ----------

-- DBTITLE 1,Packages
-- MAGIC %pip install pandas

-- COMMAND ----------

-- MAGIC %sql
-- MAGIC CREATE LIVE TABLE b AS
-- MAGIC SELECT 2
"""


def statements(text: str) -> list[tuple[str, int]]:
    found = [one for cell in cells_of(text) if not cell.magic for one in statements_of(cell, "f.sql")]
    return [(one.text, one.where.line) for one in found]


def test_file_is_split_at_semicolons_outside_of_strings_and_comments() -> None:
    text = "-- one; comment\nSELECT ';' ;\n\n/* two;\n*/ SELECT `a;b`\nFROM t; ;\n"
    assert statements(text) == [("SELECT ';'", 2), ("SELECT `a;b`\nFROM t", 5)]


def test_notebook_is_split_at_its_cells_too() -> None:
    assert statements(NOTEBOOK) == [
        ("CREATE LIVE TABLE a AS SELECT 1", 7),
        ("CREATE LIVE TABLE b AS\nSELECT 2", 17),
    ]


def test_notebook_keeps_what_its_magic_commands_say() -> None:
    found = [(cell.magic, cell.text, cell.line) for cell in cells_of(NOTEBOOK) if cell.magic]
    assert found == [("md", "# Orders", 1), ("pip", "install pandas", 9)]


def test_file_with_separators_of_cells_but_no_first_line_of_a_notebook_is_split_too() -> None:
    assert statements("SELECT 1\n\n-- COMMAND ----------\n\nSELECT 2\n") == [("SELECT 1", 1), ("SELECT 2", 5)]


def test_parameters_are_put_in_outside_of_comments() -> None:
    text = "SELECT '${a}/x', ${b}.c -- ${none}\nFROM ${ b }.t"
    [statement] = statements_of(Cell(text, 3), "f.sql")
    filled = statement.with_parameters({"a": "1", "b": "s"})
    assert filled.text == "SELECT '1/x', s.c -- ${none}\nFROM s.t"
    assert [token.line for token in filled.tokens if token.text == "t"] == [4]


def test_parameter_without_a_value_is_refused_with_its_line() -> None:
    [statement] = statements_of(Cell("SELECT *\nFROM ${catalog}.t", 3), "f.sql")
    with pytest.raises(AuthorError) as caught:
        statement.with_parameters({"schema": "s"})
    assert caught.value.problem == "f.sql:4: the parameter `catalog` has no value."
    assert caught.value.remedy == "Give one in the settings: `configuration: {catalog: ...}`."
