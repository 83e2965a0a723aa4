"""A declaration is shown as it is written in its file, and no other file is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.page.source_code import SourceCode, declaration_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """import pipeline


@pipeline.table(
    comment="Orders",
)
def orders():
    return 1


def other():
    return 2
"""


def test_declaration_comes_with_its_decorators_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(TEXT, encoding="utf-8")
    expected = SourceCode(str(file), 4, "\n".join(TEXT.splitlines()[3:8]))
    source = tmp_path / "main.py"
    assert declaration_of("orders", f"{file}:7", source) == expected
    assert declaration_of("orders", f"{file}:99", source) == expected
    assert declaration_of("renamed", f"{file}:5", source) == expected


def test_declaration_logged_on_another_machine_is_found_in_the_pipelines_source(tmp_path: Path) -> None:
    source = tmp_path / "shop.py"
    source.write_text(TEXT, encoding="utf-8")
    found = declaration_of("orders", "/another/machine/shop.py:7", source)
    assert found is not None
    assert (found.file, found.line) == (str(source), 4)
    assert declaration_of("unknown", "/another/machine/shop.py:5", source) is None


def test_file_outside_the_pipeline_or_missing_or_broken_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "pipeline"
    folder.mkdir()
    outside = tmp_path / "secret.py"
    outside.write_text(TEXT, encoding="utf-8")
    broken = folder / "broken.py"
    broken.write_text("def (", encoding="utf-8")
    for location in (
        f"{outside}:7", f"{folder}/../secret.py:7", f"{folder}/gone.py:7", f"{broken}:1", f"{broken}", "", "x:y",
    ):  # fmt: skip
        assert declaration_of("orders", location, folder / "main.py") is None


def test_table_that_a_call_declares_is_shown_with_the_statement_of_its_line(tmp_path: Path) -> None:
    text = "import dlt\n\nfor name in names:\n    dlt.create_streaming_table(\n        name,\n    )\n"
    file = tmp_path / "shop.py"
    file.write_text(text, encoding="utf-8")
    found = declaration_of("orders", f"{file}:4", tmp_path / "pipeline.yml")
    assert found == SourceCode(str(file), 3, "\n".join(text.splitlines()[2:]))


@pytest.mark.parametrize("header", ["", "-- Databricks notebook source\n-- MAGIC %md x\n\n-- COMMAND ----------\n"])
def test_declaration_in_sql_is_shown_from_its_first_line_to_its_last(tmp_path: Path, header: str) -> None:
    declaration = "CREATE LIVE TABLE orders AS\nSELECT 1 -- one;\n  + ';\n'"
    file = tmp_path / "shop.sql"
    file.write_text(f"{header}SELECT 2;\n{declaration};\n", encoding="utf-8")
    first = header.count("\n") + 2
    settings = tmp_path / "pipeline.yml"
    for line in (first, first + 3):
        assert declaration_of("orders", f"{file}:{line}", settings) == SourceCode(str(file), first, f"{declaration};")
    assert declaration_of("orders", f"{file}:{first + 9}", settings) is None


def test_declaration_in_a_jupyter_notebook_is_shown_as_code_with_its_line(tmp_path: Path) -> None:
    declaration = "@dlt.table\ndef orders():\n    return 1"
    cells = [
        {"cell_type": "markdown", "source": ["# def orders():"]},
        {"cell_type": "code", "source": ["import dlt\n", "%pip install faker"]},
        {"cell_type": "code", "source": [f"{line}\n" for line in declaration.splitlines()]},
        {"cell_type": "code", "source": ["%sql\n", "CREATE LIVE TABLE totals AS\n", "SELECT 1"]},
    ]
    file = tmp_path / "shop.ipynb"
    file.write_text(json.dumps({"cells": cells, "metadata": {}}, indent=1), encoding="utf-8")
    lines = file.read_text(encoding="utf-8").splitlines()
    settings = tmp_path / "pipeline.yml"
    function = next(number for number, line in enumerate(lines, 1) if "@dlt.table" in line)
    assert declaration_of("orders", f"{file}:{function}", settings) == SourceCode(str(file), function, declaration)
    statement = next(number for number, line in enumerate(lines, 1) if "CREATE LIVE" in line)
    expected = SourceCode(str(file), statement, "CREATE LIVE TABLE totals AS\nSELECT 1")
    assert declaration_of("totals", f"{file}:{statement}", settings) == expected


def test_declaration_in_an_exported_notebook_is_shown_without_its_marks(tmp_path: Path) -> None:
    text = "# Databricks notebook source\nimport dlt\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC CREATE LIVE TABLE t AS\n"
    file = tmp_path / "shop.py"
    file.write_text(f"{text}# MAGIC SELECT 1\n", encoding="utf-8")
    found = declaration_of("t", f"{file}:7", tmp_path / "pipeline.yml")
    assert found == SourceCode(str(file), 7, "CREATE LIVE TABLE t AS\nSELECT 1")
