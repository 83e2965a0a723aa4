"""Tables judged by the second process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipeline.foundation.clock import SystemClock
from pipeline.home.places import Home
from pipeline.quality.rules import Suite, TableExpectation
from pipeline.quality.tables.table_judge import TableJudge
from tests.conftest import NOON
from tests.quality.suite_files import expectation, write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]


class Judging:
    """A table of three rows and the process that judges it."""

    def __init__(self, folder: Path, spark: SparkSession) -> None:
        self.table = folder / "orders"
        self._suites = folder / "suites"
        self._spark = spark
        self._judge = TableJudge(Home(folder / "a home"), self._suites, lambda: spark)
        paid_at = pa.array([NOON, NOON + timedelta(hours=1), None], pa.timestamp("us", "UTC"))
        rows = pa.table({"id": ["1", "2", "2"], "amount": [1.0, 2.0, None], "paid_at": paid_at})
        write_deltalake(self.table, rows)

    def verdicts(self, *expectations: dict[str, Any]) -> dict[str, tuple[bool | None, str]]:
        """Judge the table, and return each expectation's verdict and what was observed."""
        write_suite(self._suites, "orders", *expectations)
        of_table = tuple(TableExpectation(item["meta"]["name"], "warn", "") for item in expectations)
        judged = self._judge.judge(self.table, 0, Suite("orders", (), of_table), SystemClock().now())
        return {item.name: (item.passed, item.problem or item.observed) for item in judged.verdicts}

    def jobs(self) -> int:
        """Return how many jobs Spark has run outside any job group."""
        return len(self._spark.sparkContext.statusTracker().getJobIdsForGroup(None))

    def close(self) -> None:
        self._judge.close()


@pytest.fixture
def judging(tmp_path: Path, spark: SparkSession) -> Iterator[Judging]:
    judging = Judging(tmp_path, spark)
    yield judging
    judging.close()


def test_small_table_is_judged_without_a_spark_job(judging: Judging) -> None:
    before = judging.jobs()
    assert judging.verdicts(
        expectation("column_values_to_be_unique", "unique_id", "warn", column="id"),
        expectation("column_values_to_be_unique", "unique_amount", "warn", column="amount"),
        expectation("column_max_to_be_between", "greatest", "warn", column="amount", max_value=1),
    ) == {
        "unique_id": (False, "2 of 3 rows are not as expected"),
        "unique_amount": (True, "0 of 3 rows are not as expected"),
        "greatest": (False, "2.0"),
    }
    assert judging.jobs() == before


def test_small_table_is_judged_by_spark_where_pandas_cannot_compare(judging: Judging) -> None:
    before = judging.jobs()
    assert judging.verdicts(
        # Only Spark understands the offset.
        expectation(
            "column_values_to_be_between", "early", "warn", column="paid_at", max_value="2026-03-01T12:30+00:00"
        ),
        expectation("table_row_count_to_equal", "rows", "warn", value=3),
        expectation("column_values_to_match_regex", "digit", "warn", column="id", regex="^\\d$"),
    ) == {
        "early": (False, "1 of 3 rows are not as expected"),
        "rows": (True, "3"),
        "digit": (True, "0 of 3 rows are not as expected"),
    }
    assert judging.jobs() > before
