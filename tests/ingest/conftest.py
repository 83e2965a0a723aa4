"""A pipeline of one table, read with the options that a test gives; and a machine in another time zone."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

_MODULE = """
from pipeline import read_files, table

@table
def things():
    return read_files("things", {options})
"""


@pytest.fixture
def things(lakehouse: TestLakehouse, tmp_path: Path) -> Callable[[str], TestLakehouse]:
    """Return a lakehouse whose table `things` reads `landing/things` with options; again for other options."""

    def declared(options: str) -> TestLakehouse:
        (tmp_path / "suites").mkdir(exist_ok=True)
        (tmp_path / "things.py").write_text(_MODULE.format(options=options))
        settings = tmp_path / "things.yml"
        settings.write_text("name: Things\nschema: things\nsource: things.py\nexpectations: suites\n")
        return replace(lakehouse, settings_file=settings)

    return declared


@pytest.fixture
def elsewhere(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine and a session whose clocks show another time than UTC."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    monkeypatch.undo()
    time.tzset()
