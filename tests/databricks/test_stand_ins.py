"""Functions of a Python file that stand in for those of Databricks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.databricks.stand_ins import register_stand_ins
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

STAND_INS = """
from math import floor


def ai_shout(text: str) -> str:
    return text.upper()


def half_of(number: int) -> float:
    return number / 2


def _hidden(): ...
"""


def test_functions_of_a_file_are_found_by_sql_with_the_types_they_return(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "stand_ins.py"
    file.write_text(STAND_INS, encoding="utf-8")
    assert register_stand_ins(spark, file) == ["ai_shout", "half_of"]
    frame = spark.sql("SELECT ai_shout('a') AS loud, half_of(3) AS half")
    assert frame.dtypes == [("loud", "string"), ("half", "double")]
    assert [tuple(row) for row in frame.collect()] == [("A", 1.5)]


@pytest.mark.parametrize("text", ["def f() -> list: ...\n", "raise ValueError\n", "def f(:\n"])
def test_file_that_cannot_be_run_or_typed_is_refused(spark: SparkSession, tmp_path: Path, text: str) -> None:
    file = tmp_path / "stand_ins.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AuthorError, match=r"stand_ins\.py"):
        register_stand_ins(spark, file)
