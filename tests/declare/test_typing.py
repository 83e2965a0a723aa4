"""An editor completes the keywords of a declaration, and a type checker refuses the wrong ones."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_overloads

import pytest

from pipeline import materialized_view, read_files, table, temporary_view
from pipeline.declare.files_source import FilesSource
from pipeline.foundation.errors import UnknownNameError
from pipeline.home.places import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SNIPPET = """
from datetime import timedelta
from pyspark.sql import DataFrame
from pipeline import TimeWindow, materialized_view, read, read_files, read_stream, table, temporary_view

@table
def orders() -> DataFrame:
    return read_files("orders", schema_hints="amount DOUBLE", max_bytes_per_trigger="512m")

@table(name="paid", expectations="paid", expectation_columns=["limit"], quarantine="unpaid", reset_allowed=False)
def _paid() -> DataFrame:
    return read_stream("orders")

@materialized_view(keys=["customer"], time_window=TimeWindow("at", timedelta(hours=1)))
def hourly() -> DataFrame:
    return read("paid")

@temporary_view
def step() -> DataFrame:
    return read_files("orders", clean_source_retention=timedelta(days=1))
"""
WRONG = """
@table(expectation="paid")  # wrong
def misspelt() -> DataFrame:
    return read("paid")

@table(keys=["customer"])  # wrong
def of_a_view() -> DataFrame:
    return read("paid")

@temporary_view(name=7)  # wrong
def number() -> DataFrame:
    return read("paid")

@materialized_view
def view() -> DataFrame:
    return read_files("orders", schema_hint="amount DOUBLE")  # wrong

@materialized_view
def another() -> DataFrame:
    return read_files("orders", clean_source="move")  # wrong
"""


@pytest.mark.slow
def test_type_checker_accepts_every_declaration_and_refuses_each_wrong_keyword(tmp_path: Path) -> None:
    file = tmp_path / "orders.py"
    file.write_text(SNIPPET + WRONG)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary", str(file)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wrong = [number for number, line in enumerate(file.read_text().splitlines(), 1) if "# wrong" in line]
    errors = [int(line.split(":")[1]) for line in checked.stdout.splitlines() if ": error:" in line]
    assert sorted(set(errors)) == wrong, checked.stdout + checked.stderr


@pytest.mark.parametrize("decorator", [table, materialized_view, temporary_view])
def test_keywords_that_an_editor_completes_are_those_that_a_declaration_takes(decorator: Callable[..., Any]) -> None:
    _, with_options = get_overloads(decorator)
    with pytest.raises(UnknownNameError) as raised:
        decorator(no_option="x")
    assert sorted(inspect.signature(with_options).parameters) == raised.value.known


def test_defaults_that_an_editor_shows_for_read_files_are_those_of_a_declared_source() -> None:
    parameters = inspect.signature(read_files).parameters
    shown = {name: item.default for name, item in parameters.items() if name not in {"path", "unknown"}}
    declared = FilesSource.declared(path="orders", **shown)
    assert declared == FilesSource.declared(path="orders", format="json", schema_hints="")
    assert {item.name for item in fields(FilesSource)} - {"path", "hints"} == set(shown) - {"schema_hints"}
