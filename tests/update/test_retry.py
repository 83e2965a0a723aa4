"""What is tried again, how often, and after which waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from deltalake.exceptions import DeltaError

from pipeline.delta.batch import Batch
from pipeline.delta.merge import replace_keys
from pipeline.delta.rows import SparkRows
from pipeline.delta.table import Table
from pipeline.foundation.errors import AuthorError, DamagedStateError, DataError, EnvironmentFaultError, LakehouseError
from pipeline.settings import RetrySettings
from pipeline.spark.faults import readable
from tests.conftest import TABLES, reading

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.conftest import TestLakehouse

SETTINGS = RetrySettings(attempts=4, first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=3))
FULL_DISK = OSError(28, "No space left on device")


def test_fault_of_the_environment_is_worth_another_attempt_until_the_last() -> None:
    error = readable(FULL_DISK)
    assert [SETTINGS.seconds_to_next_attempt(error, attempt) for attempt in (1, 2, 3, 4)] == [1.0, 2.0, 3.0, None]


@pytest.mark.parametrize("error", [AuthorError("a", "b"), DataError("a", "b"), ValueError("a"), KeyError("a")])
def test_deterministic_failure_is_not_worth_another_attempt(error: Exception) -> None:
    assert SETTINGS.seconds_to_next_attempt(readable(error), 1) is None


@pytest.mark.spark
def test_flow_on_a_full_disk_is_tried_again_and_each_attempt_is_an_event(
    lakehouse: TestLakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.land("a.json", [reading(), reading(None)])
    append, failures = Table.append, [FULL_DISK, FULL_DISK]

    def full_for_a_while(self: Table, *given: Any, **options: Any) -> Any:
        if self.path.name == "silver_cleaned_sensors" and failures:
            raise failures.pop()
        return append(self, *given, **options)

    monkeypatch.setattr(Table, "append", full_for_a_while)
    assert lakehouse.update().statuses == dict.fromkeys(TABLES, "COMPLETED")
    lakehouse.assert_invariants()
    assert lakehouse.waits == [1.0, 2.0]
    again = [details for details in lakehouse.logged("flow_progress", "silver_cleaned_sensors") if "attempt" in details]
    assert [(details["attempt"], details["wait_seconds"]) for details in again] == [(1, 1.0), (2, 2.0)]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT no_such_column FROM VALUES (1) AS t(a)", AuthorError),
        ("SELEC 1", AuthorError),
        ("SELECT CAST('x' AS INT)", DataError),
        ("SELECT 1 / CAST(id AS INT) FROM range(1)", DataError),
        ("SELECT raise_error('mine')", DataError),
    ],
)
def test_exception_of_spark_is_judged_by_whose_fault_it_is(
    spark: SparkSession, statement: str, fault: type[LakehouseError]
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Spark raises is what is judged
        spark.sql(statement).collect()
    judged = readable(caught.value, "a_table")
    assert type(judged) is fault
    assert not judged.retryable
    assert "\n" not in judged.problem


def test_exceptions_of_the_system_are_the_environments() -> None:
    assert type(readable(FULL_DISK)) is EnvironmentFaultError
    assert readable(FULL_DISK).retryable
    gone = readable(FileNotFoundError(2, "No such file or directory", "a"), "gold")
    assert not gone.retryable
    assert "--full-refresh gold" in gone.remedy


def test_full_disk_reported_by_deltalake_is_not_damaged_state() -> None:
    error = DeltaError("Failed to parse parquet: Unable to copy data to file: No space left on device (os error 28)")
    assert type(readable(error)) is EnvironmentFaultError
    assert type(readable(DeltaError("Invalid JSON in a file of the log"))) is DamagedStateError


@pytest.mark.spark
@pytest.mark.parametrize("few", [True, False])
def test_query_that_gives_a_key_twice_is_the_author_s_to_correct(
    spark: SparkSession, few: bool, tmp_path: Path
) -> None:
    table, noon = Table(tmp_path / "table"), datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = spark.createDataFrame([("a", noon, 1)], "name STRING, window_start TIMESTAMP, n INT")
    table.append(SparkRows(rows), Batch("an update", "table", "a flow", 0))
    twice = spark.createDataFrame([("a", noon, 2), ("a", noon, 3)], rows.schema)
    windows = ("window_start", noon, noon + timedelta(hours=1))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the engine raises is what is judged
        fresh, again = SparkRows(twice, 2 if few else None), Batch("an update", "table", "a flow", 1)
        replace_keys(spark, table, fresh, ["name", "window_start"], again, windows)
    judged = readable(caught.value, "table")
    assert type(judged) is AuthorError
    assert "one row for each of its keys" in judged.remedy
    assert table.row_count() == 1
