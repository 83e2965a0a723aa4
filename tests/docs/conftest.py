"""What tests of the pages share: the event log of real updates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.clock import FixedClock
from pipeline.home.places import Home
from tests.conftest import NOON, TABLES, TestLakehouse, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

EVENT_LOG_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "event-log.md").read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def logged(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestLakehouse]:
    """The event log of two updates, of which the second fails at gold; `event_log_details` as the page creates it."""
    lakehouse = TestLakehouse(spark, Home(tmp_path_factory.mktemp("a home")), FixedClock(NOON))
    lakehouse.land("a.json", [reading(), reading(None), reading(temperature_celsius=41.0)])
    lakehouse.update()
    lakehouse.path(TABLES[3]).rename(lakehouse.home.root / "elsewhere")
    lakehouse.path(TABLES[3]).write_text("a file in the way")
    lakehouse.land("b.json", [reading()])
    assert lakehouse.update().state == "FAILED"
    (program,) = re.findall(r"^```python\n(.*?)^```$", EVENT_LOG_PAGE, re.MULTILINE | re.DOTALL)
    exec(program.replace("lakehouse/smart_factory", str(lakehouse.path("event_log").parent)), {})  # noqa: S102 - the page's own code
    yield lakehouse
    for view in ("event_log", "event_log_details"):
        spark.catalog.dropTempView(view)
